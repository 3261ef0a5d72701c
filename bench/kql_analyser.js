// Columns and errors that Microsoft's analyser (@kusto/language-service-next) gives: a JSON text a line in, a JSON object a line out.
const folder = process.argv[2] + '/node_modules/@kusto/language-service-next/';
require(folder + 'bridge.min.js');
require(folder + 'Kusto.Language.Bridge.min.js');
const K = Kusto.Language;
const listed = (items) => {
  if (!items || Array.isArray(items)) return items || [];
  const out = [];
  for (const each = Bridge.getEnumerator(items); each.moveNext(); ) out.push(each.Current);
  return out;
};
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const code = K.KustoCode.ParseAndAnalyze(JSON.parse(line), K.GlobalState.Default);
  const type = code.ResultType;
  const columns = type && type.Columns ? listed(type.Columns).map((one) => [one.Name, one.Type.Name]) : [];
  const errors = listed(code.GetDiagnostics()).filter((one) => one.Severity === 'Error').map((one) => one.Code);
  console.log(JSON.stringify({ columns, errors }));
});
