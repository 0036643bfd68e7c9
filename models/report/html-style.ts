/** How a report looks. Colours of lines are near those of Okabe and Ito (2008), which people who see colours otherwise tell apart; lighter in the dark. */
export const LINE_COLOURS = 10;

export const STYLE = `
:root { --text: #1c1f23; --dim: #59616b; --page: #fff; --line: #d9dde2; --band: #f4f6f8; --good: #08672d; --bad: #a8201a;
  --c0: #0072b2; --c1: #d55e00; --c2: #00795a; --c3: #b0568a; --c4: #8a6d00; --c5: #2f8fc4; --c6: #444b54; --c7: #7a3fb0; --c8: #8c564b; --c9: #b8234f; }
@media screen and (prefers-color-scheme: dark) {
  :root { --text: #e4e8ec; --dim: #a3adb8; --page: #15181c; --line: #363d45; --band: #1e2329; --good: #5fd08a; --bad: #ff8f84;
    --c0: #56b4e9; --c1: #ff9a4d; --c2: #2fd0a0; --c3: #e69fc8; --c4: #f0e442; --c5: #9cc9ff; --c6: #cfd5dc; --c7: #c9a2f2; --c8: #d7a08f; --c9: #ff7aa2; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; }
h2 { font-size: 1.25rem; margin-top: 2.5rem; }
p { max-width: 46rem; overflow-wrap: anywhere; }
code { font-size: 0.9em; background: var(--band); padding: 0.05em 0.25em; border-radius: 3px; }
figure { margin: 1rem 0; }
figcaption { color: var(--dim); font-size: 0.9rem; }
.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--dim); padding-bottom: 0.3rem; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; white-space: nowrap; }
th { font-weight: 600; }
tbody th { font-weight: 400; }
th:first-child { text-align: left; white-space: normal; min-width: 13rem; }
thead th, thead td { border-bottom: 2px solid var(--line); }
tbody tr:nth-child(even) { background: var(--band); }
.claims th, .claims td, .prose th, .prose td { text-align: left; }
.prose td { white-space: normal; overflow-wrap: anywhere; }
.claims .words { white-space: normal; min-width: 10rem; }
.verdict { font-weight: 600; }
.holds { color: var(--good); }
.fails { color: var(--bad); }
.plot { display: block; width: 100%; height: auto; max-width: 52rem; font: 12px system-ui, sans-serif; }
.plot text { fill: var(--text); }
.plot .grid { stroke: var(--line); stroke-width: 1; }
.plot .frame { fill: none; stroke: var(--dim); }
.plot .line { fill: none; stroke: var(--colour); stroke-width: 1.8; stroke-linejoin: round; }
.plot .dashed .line { stroke-dasharray: 6 4; }
.plot .theirs .line { stroke-dasharray: 2 4; stroke-width: 2.4; }
.plot .bar { fill: none; stroke: var(--colour); stroke-width: 1; }
.plot .mark { fill: var(--colour); stroke: var(--colour); stroke-width: 1.4; }
.plot .hollow { fill: var(--page); }
${Array.from({ length: LINE_COLOURS }, (_, i) => `.plot .colour-${i} { --colour: var(--c${i}); }`).join('\n')}
.heat .low { fill: var(--c0); }
.heat .high { fill: var(--c1); }
@media screen and (max-width: 40rem) {
  .claims thead { display: none; }
  .claims tr, .claims th, .claims td { display: block; border: 0; padding: 0.1rem 0.3rem; }
  .claims tr { border-bottom: 1px solid var(--line); padding: 0.5rem 0; }
  .claims tbody th { font-weight: 600; }
  .claims [data-label]::before { content: attr(data-label); color: var(--dim); }
}
@media print {
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  figure, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
  .table { overflow: visible; }
  table { font-size: 8pt; }
  th, td { white-space: normal; padding: 0.15rem 0.35rem; }
}
`;
