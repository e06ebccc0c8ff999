"use strict";
// Lists the findings of the page: filters, searches, sorts and groups them, and draws as many as are looked at. All text
// becomes text nodes; the page's policy lets nothing else be made of it.
(() => {
  const SEVERITIES = ["critical", "high", "medium", "low", "info", "unknown", "not kept"];
  // Rows are drawn in slices: a browser lays out fifty rows in a few milliseconds, ten thousand in seconds.
  const SLICE = 50;
  // On paper there is no searching: more pages than these rows fill are not read.
  const PRINTED = 1000;

  const byId = (id) => document.getElementById(id);
  const read = (id) => JSON.parse(byId(id).textContent);
  const grouped = (number) => number.toLocaleString("en");
  const count = (number, one, many) => `${grouped(number)} ${number === 1 ? one : many}`;

  function el(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== undefined && child !== ""));
    return element;
  }

  // --- What there is -------------------------------------------------------------------------------------------------

  const facts = read("facts");
  const all = read("data");
  const lists = { open: all.filter((f) => !f.muted), muted: all.filter((f) => f.muted), gone: read("gone") };
  for (const list of Object.values(lists)) list.forEach(prepare);

  /** Adds what is looked at again and again: the text that is searched, and what is sorted by. */
  function prepare(finding, order) {
    finding.order = order;
    finding.keys = { title: finding.title.toLowerCase(), place: finding.place.toLowerCase(), file: finding.file.toLowerCase() };
    const { title, rule, place, scanner, job, message, known } = finding;
    finding.text = [title, rule, place, scanner, job, message, known?.join(" ")]
      .filter(Boolean).join("\n").toLowerCase();
  }

  const compareText = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const ORDERS = {
    severity: (a, b) => a.severity - b.severity,
    title: (a, b) => compareText(a.keys.title, b.keys.title),
    place: (a, b) => compareText(a.keys.file, b.keys.file) || (a.line ?? 0) - (b.line ?? 0) || compareText(a.keys.place, b.keys.place),
    scanner: (a, b) => compareText(a.scanner, b.scanner),
    standing: (a, b) => compareText(standingOf(a), standingOf(b)),
  };
  const GROUPS = {
    file: (finding) => finding.file,
    rule: (finding) => finding.rule || "-",
    scanner: (finding) => finding.scanner,
    severity: (finding) => SEVERITIES[finding.severity],
  };

  function standingOf(finding) {
    if (finding.muted) return finding.muted.decision;
    // To a first scan all is new: that says nothing of one finding.
    return (!facts.compared && finding.standing === "new" ? "" : finding.standing) ?? "";
  }

  // --- What is looked at ---------------------------------------------------------------------------------------------

  const view = {
    list: "open", severities: new Set(), words: [], scanner: "", standing: "",
    sort: "severity", down: false, group: "", unfolded: new Set(), opened: new Set(),
  };
  let chosen = []; // the findings that pass, in order
  let items = []; // what is drawn: findings, and the heads of their groups
  let drawn = 0;

  const passes = (finding) =>
    (!view.scanner || finding.scanner === view.scanner) &&
    (!view.standing || standingOf(finding) === view.standing) &&
    // Of a fingerprint the beginning counts: in the midst of it are all short numbers.
    view.words.every((word) => finding.text.includes(word) || finding.id.startsWith(word));

  /** Chooses, sorts and groups anew, and draws from the top. */
  function update() {
    const bySeverity = SEVERITIES.map(() => 0);
    chosen = [];
    for (const finding of lists[view.list]) {
      if (!passes(finding)) continue;
      bySeverity[finding.severity] += 1;
      if (view.severities.size === 0 || view.severities.has(finding.severity)) chosen.push(finding);
    }
    const order = ORDERS[view.sort];
    const sign = view.down ? -1 : 1;
    chosen.sort((a, b) => sign * order(a, b) || a.order - b.order);
    arrange();
    showControls(bySeverity);
    redraw();
  }

  /** Puts the heads of groups before their findings; those of a folded group stay away. */
  function arrange() {
    if (!view.group) {
      items = chosen;
      return;
    }
    const groups = new Map();
    for (const finding of chosen) {
      const name = GROUPS[view.group](finding);
      let group = groups.get(name);
      if (!group) groups.set(name, (group = { name, findings: [], counts: SEVERITIES.map(() => 0) }));
      group.findings.push(finding);
      group.counts[finding.severity] += 1;
    }
    const worst = (group) => group.counts.findIndex((number) => number > 0);
    const sorted = [...groups.values()].sort((a, b) =>
      worst(a) - worst(b) || b.counts[worst(b)] - a.counts[worst(a)] || b.findings.length - a.findings.length || compareText(a.name, b.name));
    items = [];
    for (const group of sorted) {
      items.push({ group });
      if (view.unfolded.has(group.name)) items.push(...group.findings);
    }
  }

  // --- Drawing -------------------------------------------------------------------------------------------------------

  const rows = byId("rows");
  const more = byId("more");

  function redraw() {
    rows.replaceChildren();
    drawn = 0;
    draw(SLICE);
    const none = byId("none");
    none.hidden = items.length > 0;
    none.textContent = lists[view.list].length > 0 ? "No finding passes the filters." : EMPTY[view.list];
    byId("list").firstElementChild.hidden = items.length === 0;
  }

  const EMPTY = {
    open: "No finding counts.",
    muted: "Every finding counts: none is suppressed or accepted.",
    gone: facts.compared ? "Nothing that was there before is gone." : "The scan was not compared with one before it.",
  };

  function draw(number) {
    const fragment = document.createDocumentFragment();
    const end = Math.min(items.length, drawn + number);
    for (; drawn < end; drawn += 1) {
      const item = items[drawn];
      if (item.group) fragment.append(groupRow(item.group));
      else fragment.append(...findingRows(item));
    }
    rows.append(fragment);
    const left = items.length - drawn;
    more.hidden = left === 0;
    more.textContent = `Show more (${grouped(left)} left)`;
  }

  function chip(severity) {
    return el("span", { class: `chip k${severity}` }, SEVERITIES[severity]);
  }

  function groupRow(group) {
    const unfolded = view.unfolded.has(group.name);
    const button = el("button", { type: "button", class: "fold", "aria-expanded": String(unfolded) }, group.name);
    const numbers = group.counts
      .map((number, severity) => number && el("span", { class: `chip k${severity}` }, `${grouped(number)} ${SEVERITIES[severity]}`))
      .filter(Boolean);
    const row = el("tr", { role: "row", class: "group" },
      el("th", { role: "rowheader", colspan: 5, scope: "rowgroup" }, button, el("span", { class: "of" }, ...numbers)));
    row.item = { group };
    return row;
  }

  function findingRows(finding) {
    const open = view.opened.has(finding);
    const button = el("button", { type: "button", class: "open", "aria-expanded": String(open) }, finding.title);
    const row = el("tr", { role: "row", class: open ? "finding opened" : "finding" },
      cell("severity", chip(finding.severity)),
      cell("title", button, el("div", { class: "by" }, finding.rule)),
      cell("place", finding.place),
      cell("scanner", finding.scanner),
      cell("standing", standingOf(finding) && standing(finding)));
    row.item = finding;
    return open ? [row, detailRow(finding)] : [row];
  }

  // The roles of a table are said once more, for browsers that forget them where a narrow window draws rows as blocks.
  function cell(name, ...children) {
    return el("td", { role: "cell", class: `c-${name}` }, ...children);
  }

  function standing(finding) {
    const words = standingOf(finding);
    return el("span", { class: `standing ${finding.muted ? "muted" : words.replace(" ", "-")}` }, words);
  }

  function detailRow(finding) {
    return el("tr", { role: "row", class: "detail" }, el("td", { role: "cell", colspan: 5 }, el("div", { class: "about" }, ...details(finding))));
  }

  function details(finding) {
    const parts = [];
    if (finding.muted) parts.push(decided(finding.muted));
    if (finding.why) parts.push(el("p", { class: "decided" }, `Not observed: ${finding.why}. It stays open.`));
    if (finding.message) parts.push(el("p", { class: "message" }, finding.message));
    if (finding.excerpt?.lines.length) parts.push(excerpt(finding.excerpt));
    if (finding.fix) parts.push(el("p", { class: "fix" }, el("strong", {}, "Fix"), ` ${finding.fix}`));
    const known = finding.known?.map(knownAs).flatMap((node, i) => (i ? [", ", node] : [node]));
    const pairs = [
      ["Known as", known],
      ["CVSS", finding.cvss],
      ["CVSS vector", finding.vector && el("code", {}, finding.vector), "long"],
      ["Severity in the scanner's words", finding.native],
      ["Confidence", finding.confidence],
      ["Job", finding.job === finding.scanner ? "" : finding.job],
      ["Fingerprint", el("code", {}, finding.id), "long"],
    ].filter(([, value]) => value);
    parts.push(el("dl", {}, ...pairs.map(([name, value, long]) =>
      el("div", { class: long }, el("dt", {}, name), el("dd", {}, ...(Array.isArray(value) ? value : [value]))))));
    if (finding.references?.length) {
      parts.push(el("ul", { class: "references" }, ...finding.references.map((text) => el("li", {}, link(text, text)))));
    }
    return parts;
  }

  function decided({ decision, by, reason, until }) {
    const words = `Not counted: ${decision} by ${by}${until ? ` until ${until}` : ""}${reason ? `: ${reason}` : ""}`;
    return el("p", { class: "decided" }, words);
  }

  function excerpt({ lines, first, marked }) {
    const within = (number) => marked && number >= marked[0] && number <= marked[1];
    // Where all lines are the finding, a mark on each says nothing.
    const some = first !== undefined && lines.some((_, i) => !within(first + i));
    return el("pre", { class: "excerpt" }, ...lines.map((line, i) => {
      const number = first === undefined ? "" : el("span", { class: "number", "aria-hidden": "true" }, String(first + i));
      const text = some && within(first + i) ? el("mark", {}, line) : el("span", { class: "text" }, line);
      return el("span", { class: "line" }, number, text, "\n");
    }));
  }

  function knownAs(id) {
    const cwe = /^CWE-([0-9]{1,5})$/.exec(id);
    if (cwe) return link(`https://cwe.mitre.org/data/definitions/${cwe[1]}.html`, id);
    if (/^CVE-[0-9]{4}-[0-9]{4,}$/.test(id)) return link(`https://www.cve.org/CVERecord?id=${id}`, id);
    if (/^GHSA(-[0-9a-z]{4}){3}$/.test(id)) return link(`https://github.com/advisories/${id}`, id);
    return id;
  }

  /** A link, if it leads to the web: what else an address may do is not for a report to offer. */
  function link(address, text) {
    if (!/^https?:\/\//i.test(address)) return text;
    try {
      return el("a", { href: new URL(address).href, rel: "noopener noreferrer", target: "_blank" }, text);
    } catch {
      return text;
    }
  }

  // --- Controls ------------------------------------------------------------------------------------------------------

  function showControls(bySeverity) {
    for (const button of document.querySelectorAll("[data-list]")) {
      button.setAttribute("aria-pressed", String(button.dataset.list === view.list));
    }
    byId("severities").childNodes.forEach((button, severity) => {
      button.setAttribute("aria-pressed", String(view.severities.has(severity)));
      button.lastChild.textContent = grouped(bySeverity[severity]);
      button.hidden = bySeverity[severity] === 0 && !view.severities.has(severity);
    });
    for (const head of document.querySelectorAll("#list [data-sort]")) {
      if (head.dataset.sort === view.sort) head.setAttribute("aria-sort", view.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    const filtered = view.severities.size > 0 || view.words.length > 0 || view.scanner || view.standing;
    byId("reset").hidden = !filtered;
    const unfold = byId("unfold");
    unfold.hidden = !view.group;
    unfold.textContent = view.unfolded.size > 0 ? "Close all groups" : "Open all groups";
    byId("count").textContent = counted(filtered);
  }

  const KINDS = { open: "that count", muted: "that do not count", gone: "that are gone" };

  function counted(filtered) {
    const total = lists[view.list].length;
    const what = `${count(total, "finding", "findings")} ${KINDS[view.list]}`;
    const groups = view.group ? ` in ${count(items.filter((item) => item.group).length, "group", "groups")}` : "";
    const left = view.list === "gone" ? facts.gone_left : facts.left;
    const missing = left > 0 ? `; ${grouped(left)} more ${left === 1 ? "is" : "are"} not on this page` : "";
    return `${filtered ? `${grouped(chosen.length)} of ` : ""}${what}${groups}${missing}`;
  }

  /** Offers what there is to choose from in the list. */
  function offer() {
    fill(byId("scanner"), (finding) => finding.scanner);
    fill(byId("standing"), standingOf);
    view.scanner = byId("scanner").value;
    view.standing = byId("standing").value;
  }

  function fill(select, of) {
    const numbers = new Map();
    for (const finding of lists[view.list]) numbers.set(of(finding), (numbers.get(of(finding)) ?? 0) + 1);
    const chosenBefore = select.value;
    const names = [...numbers.keys()].filter(Boolean).sort(compareText);
    const options = names.map((name) => el("option", { value: name }, `${name} (${grouped(numbers.get(name))})`));
    select.replaceChildren(el("option", { value: "" }, "all"), ...options);
    select.value = numbers.has(chosenBefore) ? chosenBefore : "";
    select.parentElement.hidden = names.length < 2;
  }

  function start() {
    byId("severities").append(...SEVERITIES.map((name, severity) =>
      el("button", { type: "button", class: `chip k${severity}`, "aria-pressed": "false" }, `${name} `, el("b", {}, "0"))));
    for (const button of document.querySelectorAll("[data-list]")) {
      const { list } = button.dataset;
      button.lastElementChild.textContent = grouped(lists[list].length + (list === "gone" ? facts.gone_left : 0));
      button.addEventListener("click", () => {
        view.list = list;
        view.severities.clear();
        offer();
        update();
      });
    }
    byId("severities").addEventListener("click", ({ target }) => {
      const severity = [...byId("severities").children].indexOf(target.closest("button"));
      if (severity < 0) return;
      if (!view.severities.delete(severity)) view.severities.add(severity);
      update();
    });
    const on = (id, event, change) => byId(id).addEventListener(event, ({ target }) => (change(target), update()));
    on("search", "input", ({ value }) => (view.words = value.toLowerCase().split(/\s+/).filter(Boolean)));
    on("scanner", "change", ({ value }) => (view.scanner = value));
    on("standing", "change", ({ value }) => (view.standing = value));
    on("group", "change", ({ value }) => ((view.group = value), view.unfolded.clear()));
    on("unfold", "click", () => {
      const names = view.unfolded.size > 0 ? [] : items.filter((item) => item.group).map((item) => item.group.name);
      view.unfolded = new Set(names);
    });
    on("reset", "click", () => {
      view.severities.clear();
      view.words = [];
      for (const id of ["search", "scanner", "standing"]) byId(id).value = "";
      view.scanner = view.standing = "";
      byId("search").focus();
    });
    byId("list").querySelector("thead").addEventListener("click", ({ target }) => {
      const column = target.closest("[data-sort]")?.dataset.sort;
      if (!column) return;
      view.down = view.sort === column && !view.down;
      view.sort = column;
      update();
    });
    rows.addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      const row = target.closest("tr.finding, tr.group");
      // A click on the row opens it too, unless it ends the marking of text or follows a link.
      if (!row || (!button && String(getSelection()))) return;
      toggle(row);
    });
    more.addEventListener("click", () => {
      const last = rows.lastElementChild;
      draw(SLICE);
      last?.nextElementSibling?.querySelector("button")?.focus();
    });
    new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && draw(SLICE), { rootMargin: "800px" }).observe(more);
    document.addEventListener("keydown", keydown);
    addEventListener("beforeprint", () => print(true));
    addEventListener("afterprint", () => print(false));
    theme();
    byId("plain").remove();
    for (const id of ["tools", "count", "list", "theme"]) byId(id).hidden = false;
    offer();
    update();
  }

  function toggle(row) {
    const { item } = row;
    const button = row.querySelector("button");
    if (item.group) {
      const { name } = item.group;
      if (!view.unfolded.delete(name)) view.unfolded.add(name);
      const upTo = drawn;
      update();
      if (drawn < upTo) draw(upTo - drawn);
      [...rows.children].find((other) => other.item?.group?.name === name)?.querySelector("button").focus();
      return;
    }
    const opens = !view.opened.delete(item);
    if (opens) {
      view.opened.add(item);
      row.after(detailRow(item));
    } else {
      row.nextElementSibling.remove();
    }
    row.classList.toggle("opened", opens);
    button.setAttribute("aria-expanded", String(opens));
  }

  // --- Keys ----------------------------------------------------------------------------------------------------------

  function keydown(event) {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === "Escape") return void escape(target);
    const inList = rows.contains(target) && target.matches("button");
    const arrow = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (inList && arrow) return void (event.preventDefault(), step(target, arrow));
    // Who speaks to the browser, or rests a hand on the keys, may turn single keys off (WCAG 2.1, 2.1.4).
    if (!byId("keys").checked || target.matches("input, select, textarea")) return;
    const letter = { j: 1, k: -1 }[key];
    if (letter) return void (event.preventDefault(), step(inList ? target : undefined, letter));
    if (key === "/") {
      event.preventDefault();
      byId("search").focus();
      byId("search").select();
    }
  }

  function escape(target) {
    if (target === byId("search") && target.value) {
      target.value = "";
      view.words = [];
      update();
      return;
    }
    const row = target.closest?.("tr.opened") ?? target.closest?.("tr.detail")?.previousElementSibling;
    if (!row) return;
    row.querySelector("button").focus();
    toggle(row);
  }

  function step(from, by) {
    let row = from?.closest("tr");
    do {
      if (by > 0 && row && !row.nextElementSibling && drawn < items.length) draw(SLICE);
      row = row ? (by > 0 ? row.nextElementSibling : row.previousElementSibling) : rows.firstElementChild;
    } while (row && row.classList.contains("detail"));
    const button = row?.querySelector("button");
    button?.focus({ preventScroll: true });
    button?.scrollIntoView({ block: "nearest" });
  }

  // --- Paper and light -----------------------------------------------------------------------------------------------

  let before;

  /** On paper all that was chosen is there, opened, as far as anybody reads it. */
  function print(begins) {
    if (begins && !before) {
      before = { group: view.group, unfolded: view.unfolded, opened: view.opened, folded: [...document.querySelectorAll("details:not([open], .keys)")] };
      before.folded.forEach((details) => (details.open = true));
      view.unfolded = new Set(view.group ? chosen.map(GROUPS[view.group]) : []);
      view.opened = new Set(chosen.slice(0, PRINTED));
      arrange();
      redraw();
      draw(PRINTED - drawn);
      if (drawn < items.length) {
        byId("count").textContent += `; printed are the first ${grouped(drawn)}: filter the page to print others`;
      }
    } else if (!begins && before) {
      before.folded.forEach((details) => (details.open = false));
      view.unfolded = before.unfolded;
      view.opened = before.opened;
      before = undefined;
      update();
    }
  }

  function theme() {
    const names = ["auto", "light", "dark"];
    let at = 0;
    byId("theme").addEventListener("click", ({ currentTarget }) => {
      at = (at + 1) % names.length;
      document.documentElement.dataset.theme = names[at];
      currentTarget.textContent = `Theme: ${names[at]}`;
    });
  }

  start();
})();
