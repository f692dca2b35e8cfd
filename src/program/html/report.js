// SPDX-License-Identifier: MIT
// Draws the runs that the page holds: curves of one run, or the same curve of several on top of each other.
"use strict";
(() => {
const root = document.documentElement;
const runs = JSON.parse(document.getElementById("runs").textContent);
const palettes = {
    light: ["#0072b2", "#d55e00", "#009e73", "#a3458f", "#8a6d00", "#3b9bd6", "#555555", "#c0392b", "#4b3f9e", "#2e7d32"],
    dark: ["#56b4e9", "#ff9d4d", "#2fd0a0", "#e39bd0", "#f0e442", "#9ecbff", "#b8bec6", "#ff7b72", "#b0a6ff", "#7bd88f"],
};
const dashes = [[], [6, 3], [2, 2], [8, 3, 2, 3]];
const number = new Intl.NumberFormat("en-US", {maximumFractionDigits: 0});
const fine = new Intl.NumberFormat("en-US", {maximumSignificantDigits: 4});
const show = v => v == null ? "–" : Math.abs(v) >= 1000 || Number.isInteger(v) ? number.format(v) : fine.format(v);
const element = (tag, text, attributes = {}) => {
    const e = document.createElement(tag);
    if (text != null) e.textContent = text;
    for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
    return e;
};

// What is drawn. A curve is {label, of(run) -> values by sample}, or nothing if the run has none.
const seconds = run => run.series.time_ns.map(ns => ns / 1e9);
const gauge = name => ({label: name, of: run => run.series.vmstat[name]});
const difference = (run, values, scale) => values?.map((v, i) => {
    if (i === 0) return null;
    const ns = run.series.time_ns[i] - run.series.time_ns[i - 1];
    return ns > 0 ? (v - values[i - 1]) * scale / ns : null;
});
const rate = name => ({label: name, of: run => difference(run, run.series.vmstat[name], 1e9)});
const share = (label, key) => ({label, of: run => difference(run, run.series[key], 100)});
const verdict = name => ({label: name, of: run => difference(run, run.series.verdicts[name], 1e9)});
const zone_curve = (z, level) => ({label: level, of: run => run.series.zones.find(o => o.name === z)?.[level]});

const drawn = runs.filter(run => run.series);
const zones = [...new Set(drawn.flatMap(run => run.series.zones.map(z => z.name)))];
const verdicts = [...new Set(drawn.flatMap(run => Object.keys(run.series.verdicts)))];
const subjects = [
    ...zones.map(z => ({title: `Free pages of zone ${z} and its watermarks`, unit: "pages",
                        curves: ["free", "high", "low", "min"].map(level => zone_curve(z, level)), compared: 1,
                        ceiling: 5 * Math.max(...drawn.map(run => zone_curve(z, "high").of(run)?.[0] ?? 0))})),
    {title: "LRU lists", unit: "pages",
     curves: ["nr_inactive_anon", "nr_active_anon", "nr_inactive_file", "nr_active_file", "nr_unevictable"].map(gauge)},
    {title: "Reclaim: scanned and reclaimed", unit: "pages a second",
     curves: ["pgscan_kswapd", "pgsteal_kswapd", "pgscan_direct", "pgsteal_direct"].map(rate)},
    {title: "Faults and refaults", unit: "a second",
     curves: ["pgfault", "pgmajfault", "workingset_refault_anon", "workingset_refault_file"].map(rate)},
    {title: "Swap traffic", unit: "pages a second", curves: ["pswpin", "pswpout"].map(rate)},
    {title: "Time stalled on memory", unit: "percent of time",
     curves: [share("some", "memstall_some_ns"), share("full", "memstall_full_ns")]},
    {title: "Verdicts of shrink_page_list", unit: "pages a second", curves: verdicts.map(verdict)},
    {title: "Dirty pages and writeback", unit: "pages", curves: ["nr_dirty", "nr_writeback"].map(gauge)},
];

const name_of = (run, i) => run.label ?? `run ${i + 1}`;
const moves = values => values?.some(v => v);

// One chart with all curves of the subject, or one for each curve with a line for each run.
const charts_of = subject => {
    if (runs.length === 1) {
        const curves = subject.curves.map(c => ({label: c.label, values: c.of(drawn[0])})).filter(c => c.values);
        const alive = curves.filter(c => moves(c.values));
        if (!alive.length && subject.title.startsWith("Dirty")) return [];
        return [{title: subject.title, unit: subject.unit, ceiling: subject.ceiling, x: seconds(drawn[0]), curves: alive.length ? alive : curves}];
    }
    return subject.curves.slice(0, subject.compared ?? subject.curves.length).flatMap(c => {
        const each = drawn.map(run => c.of(run));
        if (!each.some(moves)) return [];
        const joined = uPlot.join(drawn.map((run, i) => [seconds(run), each[i] ?? run.series.time_ns.map(() => null)]));
        return [{title: `${subject.title}: ${c.label}`, unit: subject.unit, ceiling: subject.ceiling, x: joined[0], joined: true,
                 curves: drawn.map((run, i) => ({label: name_of(run, runs.indexOf(run)), values: joined[i + 1]}))}];
    });
};
const all_charts = drawn.length ? subjects.flatMap(charts_of) : [];

let plots = [];
let window_ = null; // of all charts: [from, to], or all of the run
const whole = () => [0, Math.max(...all_charts.map(c => c.x[c.x.length - 1]), 1e-9)];

const shown = () => window_ ?? whole();
const zoom = (from, to) => {
    const [first, last] = whole();
    const width = Math.min(to - from, last - first);
    if (!(width > 0)) return;
    from = Math.min(Math.max(from, first), last - width);
    window_ = width >= last - first ? null : [from, from + width];
    root.dataset.shown = shown().join(" ");
    for (const p of plots) p.setScale("x", {min: from, max: from + width});
};

const style = () => {
    const css = getComputedStyle(root);
    return {fg: css.getPropertyValue("--fg").trim(), line: css.getPropertyValue("--line").trim(),
            colors: palettes[is_dark() ? "dark" : "light"]};
};

// Memory that is empty at first would press the watermarks into one line: what is far above them is cut off.
const top_of = (chart, min, max) => {
    if (!(max > 0)) return 1;
    return chart.ceiling && min < chart.ceiling ? Math.min(max, chart.ceiling) * 1.05 : max * 1.05;
};

const compact = v => Math.abs(v) >= 1e6 ? `${fine.format(v / 1e6)}M` : Math.abs(v) >= 1e4 ? `${fine.format(v / 1e3)}k` : fine.format(v);
const options = (chart, width, look) => ({
    width, height: 240,
    cursor: {sync: {key: "time", scales: ["x", null]}, drag: {x: true, y: false, setScale: false}},
    scales: {x: {time: false, range: shown},
             y: {range: (u, min, max) => [0, top_of(chart, min, max)]}},
    axes: [
        {stroke: look.fg, grid: {stroke: look.line, width: 1}, ticks: {stroke: look.line},
         values: (u, ticks) => ticks.map(t => `${fine.format(t)} s`)},
        {stroke: look.fg, grid: {stroke: look.line, width: 1}, ticks: {stroke: look.line}, size: 62,
         values: (u, ticks) => ticks.map(compact)},
    ],
    series: [
        {label: "time", value: (u, v) => v == null ? "–" : `${v.toFixed(6)} s`},
        ...chart.curves.map((c, i) => ({
            label: c.label, stroke: look.colors[i % look.colors.length], width: 1.5, spanGaps: !!chart.joined,
            dash: dashes[Math.floor(i / look.colors.length) % dashes.length], points: {show: false},
            value: (u, v) => show(v),
        })),
    ],
    hooks: {
        setSelect: [u => {
            if (u.select.width > 0) zoom(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
            u.setSelect({left: 0, top: 0, width: 0, height: 0}, false);
        }],
        ready: [u => u.over.addEventListener("dblclick", () => zoom(...whole()))],
    },
});

const on_key = (plot, event) => {
    const x = plot.data[0];
    const [min, max] = shown();
    const at = plot.cursor.idx ?? x.findIndex(v => v >= min);
    const move = to => {
        const i = Math.min(Math.max(to, 0), x.length - 1);
        if (x[i] < min || x[i] > max) zoom(x[i] - (max - min) / 2, x[i] + (max - min) / 2);
        plot.setCursor({left: plot.valToPos(x[i], "x"), top: plot.over.clientHeight / 2}, true, true);
    };
    const scale = factor => {
        const center = Math.min(Math.max(x[at] ?? min, min), max);
        zoom(center - (center - min) * factor, center + (max - center) * factor);
    };
    const step = event.shiftKey ? 20 : 1;
    const actions = {
        ArrowLeft: () => move(at - step), ArrowRight: () => move(at + step),
        Home: () => move(0), End: () => move(x.length - 1),
        PageUp: () => zoom(min - (max - min) / 2, max - (max - min) / 2),
        PageDown: () => zoom(min + (max - min) / 2, max + (max - min) / 2),
        "+": () => scale(0.5), "=": () => scale(0.5), "-": () => scale(2),
        "0": () => zoom(...whole()), Escape: () => zoom(...whole()),
    };
    if (!actions[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    actions[event.key]();
};

// Entries of the legend hide and show their curve, by the keyboard too.
const make_legend_usable = plot => {
    plot.root.querySelectorAll(".u-series").forEach((row, i) => {
        if (i === 0) return;
        const head = row.querySelector("th");
        head.tabIndex = 0;
        head.setAttribute("role", "button");
        const tell = () => head.setAttribute("aria-pressed", String(plot.series[i].show));
        tell();
        head.addEventListener("click", () => setTimeout(tell));
        head.addEventListener("keydown", event => {
            if (event.key !== "Enter" && event.key !== " ") return;
            event.preventDefault();
            event.stopPropagation();
            plot.setSeries(i, {show: !plot.series[i].show});
            tell();
        });
    });
};

const draw = () => {
    const place = document.getElementById("charts");
    for (const p of plots) p.destroy();
    place.replaceChildren();
    const look = style();
    plots = all_charts.map(chart => {
        const box = element("section", null, {class: "chart"});
        const cut = chart.ceiling ? ", cut off above" : "";
        box.append(element("h3", `${chart.title} (${chart.unit}${cut})`));
        place.append(box);
        const inside = element("div", null, {tabindex: "0", role: "group", "aria-label": describe(chart)});
        box.append(inside);
        const plot = new uPlot(options(chart, box.clientWidth - 20, look), [chart.x, ...chart.curves.map(c => c.values)], inside);
        inside.addEventListener("keydown", event => on_key(plot, event));
        make_legend_usable(plot);
        return plot;
    });
    root.dataset.shown = shown().join(" ");
    root.dataset.charts = String(plots.length);
};
const describe = chart => `${chart.title}, ${chart.unit}, over time. ` + chart.curves.map(c => {
    const known = c.values.filter(v => v != null);
    return `${c.label}: at most ${show(known.reduce((a, b) => Math.max(a, b), 0))}, at the end ${show(known.at(-1))}`;
}).join("; ");

// Light and dark.
const prefers_dark = matchMedia("(prefers-color-scheme: dark)");
let theme = null; // as the system has it
const is_dark = () => theme == null ? prefers_dark.matches : theme === "dark";
const paint = () => {
    root.dataset.theme = is_dark() ? "dark" : "light";
    draw();
};
document.getElementById("theme").addEventListener("click", () => {
    theme = is_dark() ? "light" : "dark";
    paint();
});
prefers_dark.addEventListener("change", paint);
document.getElementById("reset").addEventListener("click", () => zoom(...whole()));

// Tables.
const flat = (value, prefix = "") => Object.entries(value ?? {}).flatMap(
    ([key, v]) => v !== null && typeof v === "object" ? flat(v, `${prefix}${key} `) : [[prefix + key, v]]);
const figures = (title, part, keep, open) => {
    const columns = runs.map(run => new Map(flat(part(run))));
    const names = [...new Set(columns.flatMap(c => [...c.keys()]))].filter(n => columns.some(c => keep(c.get(n))));
    if (!names.length) return;
    const table = element("table", null, {class: "figures"});
    if (runs.length > 1) {
        const head = table.createTHead().insertRow();
        head.append(element("th", ""), ...runs.map((run, i) => element("th", name_of(run, i), {scope: "col"})));
    }
    const body = table.createTBody();
    for (const name of names) {
        const row = body.insertRow();
        row.append(element("th", name, {scope: "row"}));
        const first = columns[0].get(name);
        if (columns.some(c => c.get(name) !== first)) row.className = "differs";
        columns.forEach((c, i) => {
            const v = c.get(name);
            const cell = element("td", typeof v === "number" ? show(v) : v ?? "–", {class: typeof v === "number" ? "n" : ""});
            if (i > 0 && typeof v === "number" && typeof first === "number" && first !== 0 && v !== first)
                cell.append(element("span", `×${fine.format(v / first)}`, {class: "ratio"}));
            row.append(cell);
        });
    }
    const details = element("details");
    details.open = open;
    const summary = element("summary");
    summary.append(element("strong", title));
    const scroll = element("div", null, {class: "scroll"});
    scroll.append(table);
    details.append(summary, scroll);
    document.getElementById("tables").append(details);
};
const inputs_of = run => Object.assign({}, ...[run.input, ...(run.inputs ?? [])].filter(Boolean).map(
    (input, i, all) => all.length > 1 ? {[`input ${i + 1}`]: input} : {input}));
const about = run => ({pagesim: run.pagesim, ...inputs_of(run), outcome: run.outcome_text,
                       "configuration fnv1a": run.configuration_fnv1a, fingerprint: run.fingerprint});
figures("About", about, () => true, true);
figures("Time (ns) and work", run => ({...run.time_ns, accesses: run.accesses, "task switches": run.task_switches}), () => true, true);
figures("Verdicts of shrink_page_list", run => run.verdicts, v => v, true);
figures("Configuration", run => run.configuration, () => true, true);
figures("/proc/vmstat", run => run.vmstat, v => v, runs.length > 1);
figures("MMU", run => run.mmu, v => v, false);
for (const [i, run] of runs.entries()) {
    if (!run.series) document.getElementById("notes").append(
        element("p", `${name_of(run, i)} has no curves: it was written without --series.`, {class: "hint"}));
}

window.addEventListener("error", event => { document.getElementById("error").textContent = event.message; });
paint();
let width = root.clientWidth;
addEventListener("resize", () => {
    if (root.clientWidth === width) return;
    width = root.clientWidth;
    for (const p of plots) p.setSize({width: p.root.closest(".chart").clientWidth - 20, height: 240});
});
})();
