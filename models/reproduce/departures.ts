/** The last section of a paper's report: what stands for what in it, and where its text is not followed. */
import type { ReportSection } from '../report/report.ts';
import { provenance } from './provenance.ts';
import type { SizedModelFile } from './sized-models.ts';

export interface Departures {
  /** In the paper, here, because. */
  slips: [string, string, string][];
  /** A method, and what it is. */
  methods: [string, string][];
  /** Named after them, with how they were trained. */
  models: readonly SizedModelFile[];
  /** What one file of these serves, in words. */
  serves: string;
}

export const departures = ({ slips, methods, models, serves }: Departures): ReportSection => ({
  title: 'What was compared, and where the text of the paper is not followed',
  tables: [
    { caption: 'Slips of the text', head: ['in the paper', 'here', 'because'], rows: slips },
    {
      caption: 'Methods',
      head: ['', 'what it is'],
      rows: [...methods, ...models.map(({ id, card }) => [`\`${id}\``, `${provenance(card)}; one file for ${serves}`])],
    },
  ],
});
