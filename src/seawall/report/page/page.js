"use strict";
(async () => {
  const $ = (id) => document.getElementById(id);
  const make = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const packed = Uint8Array.from(atob($("data").textContent.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const D = JSON.parse(await new Response(stream).text());
  $("data").remove();
  const { words, columns: C } = D;
  const total = C.control.length;
  const SEVERITIES = ["critical", "high", "medium", "low"];
  const number = (n) => n.toLocaleString("en");
  const title = (name) => D.titles[name] || name;
  const outcomeAt = (i) => words.outcome[C.outcome[i]];
  const severityAt = (i) => words.severity[C.severity[i]];
  const subjectAt = (i) => D.subjects[C.subject[i]];
  const place = (i) => {
    const file = words.text[C.file[i]];
    if (!file) return "";
    return C.line[i] ? `${file}:${C.line[i]}` : file;
  };

  // Each finding's own text in lower case, made once, for the search.
  let haystack = null;
  const buildHaystack = () => {
    const subjectWords = D.subjects.map((s) => `${s.label} ${s.id}`.toLowerCase());
    const lower = words.text.map((t) => t.toLowerCase());
    haystack = new Array(total);
    for (let i = 0; i < total; i++) {
      haystack[i] = `${D.controls[C.control[i]].id} ${subjectWords[C.subject[i]]} ${lower[C.message[i]]} ${lower[C.path[i]]} ${lower[C.observed[i]]} ${lower[C.file[i]]}`;
    }
  };

  const state = { search: "", chapter: "", severity: "", outcome: "", group: "subject", open: -1 };
  try { // A link to this page may carry a filter: report.html#severity=high&search=nginx
    for (const [key, value] of new URLSearchParams(location.hash.slice(1))) if (key in state && key !== "open") state[key] = value;
  } catch { /* a broken fragment filters nothing */ }

  // ---- overview ---------------------------------------------------------------------------------
  $("scope").textContent = `${number(D.counts.resources)} Azure resources, ${number(D.counts.objects)} Kubernetes objects, as of ${D.as_of}`;
  $("foot").textContent = `Seawall ${D.version}. This page holds all its data and asks nothing of the network.`;
  const shade = (points) => (points === null ? "var(--mute)" : points >= 80 ? "var(--good)" : points >= 50 ? "var(--medium)" : "var(--high)");
  const ring = (points) => {
    const ns = "http://www.w3.org/2000/svg", size = 148, r = 62, length = 2 * Math.PI * r;
    const svg = document.createElementNS(ns, "svg");
    for (const [k, v] of Object.entries({ viewBox: `0 0 ${size} ${size}`, width: size, height: size, role: "img", "aria-label": points === null ? "not scored" : `score ${Math.round(points)} of 100` })) svg.setAttribute(k, v);
    const add = (tag, attributes, text) => {
      const node = document.createElementNS(ns, tag);
      for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, v);
      if (text !== undefined) node.textContent = text;
      svg.append(node);
    };
    const circle = { cx: size / 2, cy: size / 2, r, "stroke-width": 11 };
    add("circle", { ...circle, class: "ring-track" });
    if (points) add("circle", { ...circle, class: "ring-value", stroke: shade(points), "stroke-dasharray": `${(points / 100) * length} ${length}`, transform: `rotate(-90 ${size / 2} ${size / 2})` });
    add("text", { x: size / 2, y: size / 2 + 10, "text-anchor": "middle", class: "ring-number" }, points === null ? "–" : String(Math.round(points)));
    add("text", { x: size / 2, y: size / 2 + 30, "text-anchor": "middle", class: "ring-of" }, points === null ? "not scored" : "of 100");
    return svg;
  };
  $("ring").append(ring(D.score));
  const tally = { failed: 0, passed: 0, unknown: 0, manual: 0, waived: 0, error: 0 };
  for (const row of D.coverage) for (const key of Object.keys(tally)) tally[key] += key === "error" ? Number(Boolean(row.error)) : row[key];
  $("verdict").textContent = `${number(tally.failed)} failed, ${number(tally.passed)} passed`;
  const failing = Object.fromEntries(SEVERITIES.map((s) => [s, 0]));
  for (let i = 0; i < total; i++) if (outcomeAt(i) === "fail") failing[severityAt(i)]++;
  const chapterButtons = D.chapters.map(({ name, points, failed, evaluated }) => {
    const bar = make("button", "bar");
    bar.type = "button";
    const track = make("span", "track"), fill = make("span", "fill");
    fill.style.width = `${points === null ? 0 : Math.max(points, 1)}%`;
    fill.style.background = shade(points);
    track.append(fill);
    bar.append(make("span", "", title(name)), track, make("span", "points", points === null ? "–" : String(Math.round(points))), make("span", "note", evaluated ? `${number(failed)} failed` : "not evaluated"));
    bar.addEventListener("click", () => set("chapter", state.chapter === name ? "" : name));
    $("chapters").append(bar);
    return [name, bar];
  });
  const severityButtons = SEVERITIES.map((name) => {
    const tile = make("button", failing[name] ? "tile" : "tile zero");
    tile.type = "button";
    const count = make("b", "", number(failing[name]));
    count.style.color = `var(--${name})`;
    tile.append(count, make("span", "", name[0].toUpperCase() + name.slice(1)));
    tile.addEventListener("click", () => set("severity", state.severity === name ? "" : name));
    $("severities").append(tile);
    return [name, tile];
  });
  const others = ["unknown", "manual", "waived"].filter((k) => tally[k]).map((k) => `${number(tally[k])} ${k}`);
  if (tally.error) others.push(`${number(tally.error)} controls could not run`);
  const idle = D.coverage.filter((row) => !row.evaluated && !row.error).length;
  if (idle) others.push(idle === 1 ? "1 control had nothing to evaluate" : `${idle} controls had nothing to evaluate`);
  $("others").textContent = others.length ? `Besides: ${others.join(", ")}.` : "";
  if (D.unread.length) {
    const box = $("unread"), list = make("ul");
    box.append(make("h2", "", `${number(D.unread.length)} could not be read: this report is not whole`));
    for (const { path, reason } of D.unread.slice(0, 200)) list.append(make("li", "", `${path}: ${reason}`));
    if (D.unread.length > 200) list.append(make("li", "", `and ${number(D.unread.length - 200)} more`));
    box.append(list);
    box.hidden = false;
  }

  // ---- filters ----------------------------------------------------------------------------------
  const fillSelect = (id, values, label) => {
    const select = $(id);
    select.append(new Option(label, ""));
    for (const value of values) select.append(new Option(id === "chapter" ? title(value) : value, value));
  };
  fillSelect("chapter", D.chapters.map((c) => c.name), "all");
  fillSelect("severity", SEVERITIES, "all");
  fillSelect("outcome", words.outcome, "all");

  let lines = []; // what the list shows: a finding's number, or -1 - g for the head of group g
  let groups = [];
  const groupKey = { subject: (i) => C.subject[i], control: (i) => C.control[i], file: (i) => C.file[i] };
  const refresh = () => {
    const needles = state.search.toLowerCase().split(/\s+/).filter(Boolean);
    if (needles.length && !haystack) buildHaystack();
    const key = groupKey[state.group] || groupKey.subject;
    const byKey = new Map();
    let shown = 0;
    for (let i = 0; i < total; i++) {
      if (state.chapter && D.controls[C.control[i]].chapter !== state.chapter) continue;
      if (state.severity && severityAt(i) !== state.severity) continue;
      if (state.outcome && outcomeAt(i) !== state.outcome) continue;
      if (needles.length && !needles.every((needle) => haystack[i].includes(needle))) continue;
      const k = key(i);
      const group = byKey.get(k);
      if (group) group.push(i); else byKey.set(k, [i]);
      shown++;
    }
    const weigh = (group) => group.reduce((worst, i) => Math.min(worst, outcomeAt(i) === "fail" ? SEVERITIES.indexOf(severityAt(i)) : 9), 9);
    groups = [...byKey.values()].map((members) => ({ members, worst: weigh(members) }));
    groups.sort((a, b) => a.worst - b.worst || b.members.length - a.members.length);
    lines = [];
    groups.forEach(({ members }, g) => { lines.push(-1 - g); for (const i of members) lines.push(i); });
    $("count").textContent = shown === total ? `${number(total)} findings` : `${number(shown)} of ${number(total)} findings`;
    $("clear").hidden = shown === total && !state.search;
    $("empty").hidden = shown > 0;
    $("empty").textContent = total ? "Nothing matches these filters." : D.evaluated ? "No findings: everything that was evaluated passed." : "Nothing was evaluated.";
    $("view").hidden = shown === 0;
    for (const [name, node] of chapterButtons) node.setAttribute("aria-pressed", String(state.chapter === name));
    for (const [name, node] of severityButtons) node.setAttribute("aria-pressed", String(state.severity === name));
    for (const id of ["chapter", "severity", "outcome", "group"]) $(id).value = state[id];
    if ($("search").value !== state.search) $("search").value = state.search;
    $("view").scrollTop = 0;
    drawn = "";
    draw();
  };
  const set = (key, value) => {
    state[key] = value;
    const keep = Object.entries(state).filter(([k, v]) => v && k !== "open" && !(k === "group" && v === "subject"));
    try { history.replaceState(null, "", keep.length ? `#${new URLSearchParams(keep)}` : location.pathname + location.search); } catch { /* some viewers of local files forbid it */ }
    refresh();
  };

  // ---- the list: only what is on the screen is in the document -------------------------------------
  const ROW = 58, AHEAD = 8;
  let drawn = "";
  const badge = (i) => {
    const outcome = outcomeAt(i), severity = severityAt(i);
    if (outcome === "fail") return make("span", `badge ${severity}`, severity);
    return make("span", outcome === "pass" ? "badge pass" : "badge other", outcome);
  };
  const headLine = (g) => {
    const { members } = groups[g], first = members[0], node = make("div", "head"), text = make("div");
    if (state.group === "control") text.append(make("span", "clip", D.controls[C.control[first]].title), make("small", "clip mono", D.controls[C.control[first]].id));
    else if (state.group === "file") text.append(make("span", "clip", words.text[C.file[first]] || "no file"));
    else text.append(make("span", "clip", subjectAt(first).label), make("small", "clip mono", subjectAt(first).id));
    node.append(text, make("span", "tally", `${number(members.length)} ${members.length === 1 ? "finding" : "findings"}`));
    return node;
  };
  const findingLine = (i) => {
    const node = make("button", "row"), what = make("div", "what");
    node.type = "button";
    node.dataset.finding = i;
    if (i === state.open) node.setAttribute("aria-current", "true");
    what.append(make("span", "clip", words.text[C.message[i]]));
    const path = words.text[C.path[i]], sub = make("span", "clip sub");
    if (state.group === "control") sub.append(subjectAt(i).label + (path ? "  " : ""));
    else sub.append(make("code", "", D.controls[C.control[i]].id), path ? "  " : "");
    if (path) sub.append(make("code", "", `${path} is ${words.text[C.observed[i]]}`));
    what.append(sub);
    const where = make("span", "where clip mono");
    where.append(make("bdi", "", place(i)));
    node.append(badge(i), what, where);
    return node;
  };
  const draw = () => {
    const view = $("view");
    $("spacer").style.height = `${lines.length * ROW}px`;
    const from = Math.max(0, Math.floor(view.scrollTop / ROW) - AHEAD);
    const to = Math.min(lines.length, Math.ceil((view.scrollTop + view.clientHeight) / ROW) + AHEAD);
    const key = `${from}-${to}-${state.open}`;
    if (key === drawn) return;
    drawn = key;
    const rows = $("rows");
    rows.style.transform = `translateY(${from * ROW}px)`;
    rows.replaceChildren(...lines.slice(from, to).map((line) => (line < 0 ? headLine(-1 - line) : findingLine(line))));
  };
  $("view").addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  window.addEventListener("resize", () => requestAnimationFrame(draw));

  // ---- one finding --------------------------------------------------------------------------------
  const show = (i) => {
    state.open = i;
    drawn = "";
    draw();
    const panel = $("detail");
    panel.replaceChildren();
    if (i < 0) { panel.hidden = true; return; }
    const control = D.controls[C.control[i]], subject = subjectAt(i), close = make("button", "ghost close", "Close");
    close.type = "button";
    close.addEventListener("click", () => show(-1));
    panel.append(close, badge(i), make("h3", "", words.text[C.message[i]]), make("code", "", control.id));
    const list = make("dl");
    const item = (name, value, mono) => { if (!value) return; const dd = make("dd"); dd.append(mono ? make("code", "", value) : value); list.append(make("dt", "", name), dd); };
    item("Subject", subject.label);
    item("Id", subject.id, true);
    item("Field", words.text[C.path[i]], true);
    item("Observed", words.text[C.path[i]] ? words.text[C.observed[i]] : "", true);
    item("Expected", words.text[C.expected[i]], true);
    item("Where", place(i) + (C.column[i] ? `:${C.column[i]}` : ""), true);
    item("Severity", `${severityAt(i)}${words.confidence[C.confidence[i]] === "high" ? "" : `, confidence ${words.confidence[C.confidence[i]]}`}`);
    item("Outcome", outcomeAt(i));
    item("Fingerprint", C.fingerprint[i], true);
    panel.append(list);
    for (const [language, text] of D.fixes[C.fixes[i]]) {
      const head = make("div", "fix-head", `Fix with ${language}`), copy = make("button", "ghost", "Copy");
      copy.type = "button";
      copy.addEventListener("click", async () => { try { await navigator.clipboard.writeText(text); copy.textContent = "Copied"; } catch { copy.textContent = "Select it by hand"; } });
      head.append(copy);
      panel.append(head, make("pre", "mono", text));
    }
    panel.hidden = false;
    close.focus();
  };
  $("rows").addEventListener("click", (event) => {
    const row = event.target.closest("[data-finding]");
    if (row) show(Number(row.dataset.finding));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && state.open >= 0) show(-1);
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); $("search").focus(); }
  });

  // ---- controls, printing, theme ------------------------------------------------------------------
  const table = make("table"), headRow = make("tr");
  ["Control", "Chapter", "Severity", "Evaluated", "Passed", "Failed", "Unknown", "Manual", "Waived"].forEach((name, n) => headRow.append(make("th", n > 2 ? "n" : "", name)));
  table.append(headRow);
  for (const row of D.coverage) {
    const tr = make("tr"), first = make("td");
    first.append(make("code", "", row.control), make("div", "", row.error || row.title));
    tr.append(first, make("td", "", title(row.chapter)), make("td", "", row.severity));
    for (const key of ["evaluated", "passed", "failed", "unknown", "manual", "waived"]) tr.append(make("td", "n", row.error ? "–" : key === "evaluated" && !row.evaluated ? "not evaluated" : number(row[key])));
    table.append(tr);
  }
  $("coverage").append(table);
  const PRINTED = 3000;
  window.addEventListener("beforeprint", () => {
    const part = lines.slice(0, PRINTED).map((line) => (line < 0 ? headLine(-1 - line) : findingLine(line)));
    if (lines.length > PRINTED) part.push(make("p", "", `${number(lines.length - PRINTED)} more lines are not printed: filter first, or use -o csv.`));
    $("print").replaceChildren(...part);
  });
  window.addEventListener("afterprint", () => $("print").replaceChildren());
  $("theme").addEventListener("click", () => {
    const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "light" : "dark";
  });
  let timer = 0;
  $("search").addEventListener("input", (event) => { clearTimeout(timer); const { value } = event.target; timer = setTimeout(() => set("search", value), 90); });
  for (const id of ["chapter", "severity", "outcome", "group"]) $(id).addEventListener("change", (event) => set(id, event.target.value));
  $("clear").addEventListener("click", () => { Object.assign(state, { search: "", chapter: "", severity: "", outcome: "" }); set("search", ""); });
  refresh();
  document.documentElement.dataset.ready = String(total);
})();
