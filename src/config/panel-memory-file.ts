/**
 * What was loaded into the beam memory of a panel: a file beside the beams, for memory cannot be read. It is a memory aid and no more: whether the panel
 * still has it is asked of the panel (src/rig/panel-memory.ts).
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { readBoundedFile } from '../../core/files/bounded-file.ts';

const panelMemorySchema = z.strictObject({
  format: z.literal('beamrig-panel-memory-1'),
  /** Serial number. */
  panel: z.string().min(1).max(32),
  /** Of the start of the panel since which it has them, as its status says. */
  bootCount: z.int().nonnegative(),
  uptimeMs: z.int().nonnegative(),
  loadedAt: z.iso.datetime(),
  beams: z.array(
    z.strictObject({ position: z.int().min(1).max(65_535), name: z.string(), content: z.string().regex(/^[0-9a-f]{64}$/) }),
  ),
});

export type PanelMemoryFile = z.output<typeof panelMemorySchema>;

const LARGEST_BYTES = 2 ** 20;

const pathOf = (folder: string, panel: string): string => join(folder, `${panel.replaceAll(/[^A-Za-z0-9.-]/g, '-')}.memory.json`);

/** Undefined where nothing was loaded. @throws {BeamrigError} 'beam-file' for one that is damaged */
export function readPanelMemory(folder: string, panel: string): PanelMemoryFile | undefined {
  const path = pathOf(folder, panel);
  const read = readBoundedFile(path, { maxBytes: LARGEST_BYTES });
  if (!read.ok) {
    if ((read.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
    throw damaged(path, read.why);
  }
  let raw: unknown;
  try {
    raw = JSON.parse(read.bytes.toString('utf8'));
  } catch {
    throw damaged(path, 'this is no JSON');
  }
  const parsed = panelMemorySchema.safeParse(raw);
  if (!parsed.success) throw damaged(path, parsed.error.issues[0].message);
  return parsed.data.panel === panel ? parsed.data : undefined;
}

const damaged = (path: string, why: string): BeamrigError =>
  new BeamrigError('beam-file', `${path}: ${why}`, { wayOut: 'Load the beams again with `beamrig beams load`.' });

/** Before anything is stored: what was there is not known any more. */
export function forgetPanelMemory(folder: string, panel: string): void {
  rmSync(pathOf(folder, panel), { force: true });
}

export function writePanelMemory(folder: string, memory: PanelMemoryFile): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(pathOf(folder, memory.panel), `${JSON.stringify(memory, null, 1)}\n`);
}
