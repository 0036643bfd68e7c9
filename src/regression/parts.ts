/** What else takes part in a scenario, beside rig and panels: a database that takes its records, and pages that look at it. On real time. */
import type { Random } from '../../core/signal/random.ts';
import type { RigFile } from '../config/rig-file.ts';
import type { Controller } from '../control/controller.ts';
import { startServer, type RunningServer } from '../server/server.ts';
import type { RunRecorder } from '../telemetry/run-folder.ts';
import { startDatabase } from './database.ts';
import { openPage, type PageClient } from './page-client.ts';
import type { ScenarioText } from './scenario-schema.ts';
import type { Action, ActionName } from './timeline-schema.ts';

export interface Parts {
  readonly plays: ReadonlySet<ActionName>;
  begin(of: { rig: RigFile; controller: Controller; recorder: RunRecorder; random: Random }): Promise<void>;
  /** @returns ends it */
  play(action: Action): Promise<() => Promise<void>>;
  /** Once the recorder has closed its files. @returns records that did not reach the database; undefined where there is none */
  recordsMissing(): Promise<number | undefined>;
  /** To be told in the report. */
  facts(): Record<string, string>;
  close(): Promise<void>;
}

export const takesPart = ({ database, pages }: ScenarioText['parts']): boolean => database || pages > 0;

/** @throws {BeamrigError} 'bench-part' where what they take is not installed */
export async function openParts({ database: wanted, pages: count }: ScenarioText['parts']): Promise<Parts> {
  const database = wanted ? await startDatabase() : undefined;
  let server: RunningServer | undefined;
  const pages: PageClient[] = [];
  return {
    plays: new Set([...(wanted ? (['database-down'] as const) : []), ...(count > 0 ? (['pages-hang'] as const) : [])]),
    async begin({ rig, controller, recorder, random }) {
      const { folder } = recorder;
      database?.follow({ folder, random, onEvent: (event) => recorder.report(event) });
      if (count === 0) return;
      server = await startServer({ controller, ...rig.dashboard, port: 0, report: (event) => recorder.report(event) });
      for (let i = 0; i < count; i++) pages.push(await openPage(server.url));
    },
    async play(action) {
      if (action.do === 'database-down') {
        await database?.kill();
        return async () => database?.start();
      }
      for (const page of pages) page.hang(true);
      return async () => pages.forEach((page) => page.hang(false));
    },
    recordsMissing: async () => database?.missing(),
    facts: () =>
      count === 0
        ? {}
        : { pages: `${count}, ${pages.every(({ frames }) => frames > 0) ? 'all saw frames' : 'not all saw a frame'}` },
    async close() {
      for (const page of pages) page.close();
      await server?.close();
      await database?.close();
    },
  };
}
