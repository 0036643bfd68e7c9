/**
 * Faults by flag: `drop:probability=0.01,direction=to-host`, `delay:delayMs=20,messages=commit+ping`, or the JSON that a rig file's
 * `simulator.behaviours` would hold for one of them. What a behaviour may say is behaviourSchema's to decide.
 */
import * as z from 'zod';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { behaviourSchema } from '../../hil-sim/behaviours.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { problemsOf, type SchemaNode } from '../../core/errors/schema-problems.ts';

const WAY_OUT = 'Write it as drop:probability=0.01,direction=to-host; all of them are listed in hil-sim/README.md.';

/** @throws {BeamrigError} 'argument' naming the flag, the field and what is allowed */
export function behaviourFlag(text: string): Behaviour {
  const raw = text.trimStart().startsWith('{') ? ofJson(text) : ofWords(text);
  const parsed = behaviourSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const problems = isBlock(raw)
    ? problemsOf(parsed.error.issues, raw, schemaAsData()).map((problem) => problem.text)
    : ['no object; allowed: { "do": "drop", … }'];
  throw new BeamrigError('argument', `--behaviour ${text}: ${problems.join('; ')}`, { wayOut: WAY_OUT });
}

const schemaAsData = (): SchemaNode => z.toJSONSchema(behaviourSchema, { io: 'input', unrepresentable: 'any' }) as SchemaNode;

const isBlock = (raw: unknown): boolean => typeof raw === 'object' && raw !== null && !Array.isArray(raw);

function ofJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BeamrigError('argument', `--behaviour ${text}: ${(error as Error).message}`, { wayOut: WAY_OUT, cause: error });
  }
}

/** `do:key=value,key=value`; several messages are joined by +. */
function ofWords(text: string): Record<string, unknown> {
  const [, what = text, rest = ''] = /^([^:]*):(.*)$/s.exec(text) ?? [];
  const fields = rest === '' ? [] : rest.split(',').map((field) => fieldOf(field, text));
  return { do: what.trim(), ...Object.fromEntries(fields) };
}

function fieldOf(field: string, text: string): [string, unknown] {
  const [, key = '', value = ''] = /^\s*([A-Za-z]+)\s*=\s*(\S+)\s*$/.exec(field) ?? [];
  if (key === '') throw new BeamrigError('argument', `--behaviour ${text}: '${field}' is no key=value`, { wayOut: WAY_OUT });
  if (key === 'messages') return [key, value.split('+')];
  return [key, /^-?\d/.test(value) && Number.isFinite(Number(value)) ? Number(value) : value];
}
