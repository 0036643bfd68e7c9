/** How the HTML report of a regression looks, beside what all reports have. Colours are those of models/report, safe for other eyes. */
export const HTML_STYLE = `
:root { --warn: #8a5300; --quiet: #59616b; --odd: #7a3fb0; }
@media screen and (prefers-color-scheme: dark) { :root { --warn: #ffb84d; --quiet: #a3adb8; --odd: #c9a2f2; } }
a { color: var(--c0); }
h3, h4 { font-size: 1rem; margin: 0; }
h4 { margin: 1rem 0 0.3rem; }
.dim, .why { color: var(--dim); }
.passed { --mark: var(--good); }
.failed, .error { --mark: var(--bad); }
.flaky { --mark: var(--warn); }
.quarantined { --mark: var(--odd); }
.skipped { --mark: var(--quiet); }
.sign { display: inline-block; min-width: 1.1em; text-align: center; font-weight: 700; }
.outcome { color: var(--mark); font-weight: 600; white-space: nowrap; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.tiles, .attention, .matrix, .checks, .found, .events { list-style: none; padding: 0; margin: 0.5rem 0; }
.tiles { display: flex; flex-wrap: wrap; gap: 0.5rem; }
.tile { border: 1px solid var(--line); border-left: 0.35rem solid var(--mark); border-radius: 4px; padding: 0.4rem 0.9rem; }
.tile .sign, .tile b { color: var(--mark); }
.tile b { font-size: 1.4rem; font-variant-numeric: tabular-nums; }
.tile.none { --mark: var(--dim); border-left-color: var(--line); }
.attention li { display: grid; grid-template-columns: 8.5rem minmax(0, 16rem) minmax(0, 1fr); gap: 0 0.8rem; padding: 0.3rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.attention .why { font-size: 0.9rem; }
.matrix li { display: flex; flex-wrap: wrap; gap: 0.3rem 1rem; align-items: center; padding: 0.25rem 0; border-bottom: 1px solid var(--line); }
.matrix .name { min-width: 14rem; overflow-wrap: anywhere; }
.matrix .table { margin: 0; max-width: 100%; }
.grid th, .grid td { text-align: center; padding: 0.15rem 0.35rem; border: 0; }
.grid thead th { border: 0; font-weight: 400; color: var(--dim); }
.grid th:first-child { min-width: 0; white-space: nowrap; color: var(--dim); text-align: left; vertical-align: middle; }
.grid tbody tr:nth-child(even) { background: none; }
.cell { display: inline-block; min-width: 1.9rem; line-height: 1.8rem; text-align: center; border-radius: 3px; text-decoration: none; position: relative; border: 1.5px solid var(--mark); color: var(--mark); }
.cell.failed, .cell.error { background: var(--mark); color: var(--page); }
details { margin: 0.4rem 0; }
summary { cursor: pointer; overflow-wrap: anywhere; padding: 0.15rem 0; }
summary h3 { display: inline; }
.case { border: 1px solid var(--line); border-left: 0.35rem solid var(--mark); border-radius: 4px; padding: 0.4rem 0.8rem; }
.case > summary .why { display: block; padding-left: 1.1rem; font-size: 0.9rem; }
.case details { padding-left: 0.6rem; border-left: 2px solid var(--line); }
.anchor { scroll-margin-top: 5rem; }
.note { border-left: 0.35rem solid var(--odd); padding-left: 0.6rem; }
dl { display: flex; flex-wrap: wrap; gap: 0.2rem 1.4rem; margin: 0.4rem 0; font-size: 0.875rem; }
dl div { display: flex; gap: 0.4rem; min-width: 0; }
dt { color: var(--dim); white-space: nowrap; }
dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
.check { display: grid; grid-template-columns: minmax(0, 1fr) 22.5rem; gap: 0.2rem 1rem; padding: 0.35rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; align-items: center; }
.check .dim { font-size: 0.875rem; }
.case .prose td { white-space: nowrap; }
.case .prose td:last-child { white-space: normal; min-width: 12rem; }
.found li, .events li { overflow-wrap: anywhere; padding: 0.1rem 0; font-size: 0.9rem; }
.found li { color: var(--bad); }
.events .at { display: inline-block; min-width: 4.5rem; text-align: right; padding-right: 0.4rem; font-variant-numeric: tabular-nums; }
.events .error { color: var(--bad); }
.events .warning { color: var(--warn); }
.axis { max-width: 22.5rem; }
.axis .rule { stroke: var(--dim); }
.axis .forbidden { fill: var(--bad); opacity: 0.13; }
.axis .bound { stroke: var(--bad); stroke-width: 2; fill: none; }
.axis .interval { stroke: var(--c0); stroke-width: 2.5; fill: none; }
.axis .estimate { fill: var(--c0); }
.axis .good { fill: var(--text); }
.axis .bad { stroke: var(--bad); stroke-width: 2.4; fill: none; }
.rate .line.measured { stroke: var(--c0); }
.rate .line.predicted { stroke: var(--c1); stroke-dasharray: 6 4; stroke-width: 1.4; }
.rate .line.true { stroke: var(--c6); stroke-dasharray: 2 3; stroke-width: 1.4; }
.rate .band { fill: var(--c4); opacity: 0.16; }
.rate .band.skipped { fill: var(--dim); }
.rate .moment { stroke: var(--c4); stroke-width: 1.6; }
.rate .moment.skipped { stroke: var(--dim); stroke-dasharray: 3 3; }
.rate .label { paint-order: stroke; stroke: var(--page); stroke-width: 3px; }
.rate .dark { fill: var(--text); }
.rate .codeword { fill: var(--page); stroke: var(--text); }
.rate .event.error { fill: var(--bad); }
.rate .event.warning { fill: var(--warn); }
.rate .event.info { stroke: var(--dim); stroke-width: 1.5; }
@media screen and (max-width: 48rem) {
  .check { grid-template-columns: minmax(0, 1fr); }
  .attention li { grid-template-columns: 8.5rem minmax(0, 1fr); }
  .attention .why { grid-column: 1 / -1; }
  .matrix .name { min-width: 100%; }
  .rate { min-width: 34rem; }
}
@media print { .case { break-inside: auto; } }
`;
