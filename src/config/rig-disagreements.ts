/** What a rig file says that does not fit together: values that are fine each by itself. */
import { counted } from '../../core/errors/counted.ts';
import { longestReportBytes, MAX_PAYLOAD_BYTES, MIN_PAYLOAD_BYTES } from '../../firmware-protocol/limits.ts';
import { MOST_ELEMENTS } from '../../core/signal/array-limits.ts';
import { channelProblems, type SearchedArray } from './channel-schema.ts';
import { chipNamed } from '../../hil-sim/chips/chips.ts';
import { LINK_PATHS, authenticationProblems, linkProblems } from './rig-links.ts';
import { pathText, type Problem } from '../../core/errors/schema-problems.ts';
import { namesAnotherHome } from '../../core/files/home-path.ts';

/** Works on an unchecked file too, so that all problems come out at once. @param folder of the rig file */
export function disagreements(rig: unknown, folder: string): Problem[] {
  const problems: Problem[] = [];
  const count = (...path: string[]): number | undefined => {
    const value = at(rig, path);
    return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined;
  };
  const rows = count('array', 'geometry', 'rows');
  const columns = count('array', 'geometry', 'columns');
  const elements =
    count('array', 'geometry', 'elements') ?? (rows !== undefined && columns !== undefined ? rows * columns : undefined);
  const chains = count('array', 'rfChains');
  const users = count('users', 'count');
  if (users !== undefined && chains !== undefined && users > chains && chains > 0) {
    const text = `users.count: ${counted(users, 'user')} need as many RF chains and array.rfChains is ${chains}; allowed: 1 to ${chains}`;
    problems.push({ path: ['users', 'count'], text });
  }
  if (elements !== undefined && elements > MOST_ELEMENTS) {
    const text = `array.geometry: ${counted(elements, 'element')} are more than a panel can number; allowed: up to ${MOST_ELEMENTS}`;
    problems.push({ path: ['array', 'geometry'], text });
  }
  if (elements !== undefined && chains !== undefined && elements > 0) {
    const sub = at(rig, ['array', 'connection']) === 'sub';
    if (chains > elements) {
      problems.push({
        path: ['array', 'rfChains'],
        text: `array.rfChains: ${counted(chains, 'chain')} for ${counted(elements, 'element')}; allowed: 1 to ${elements}`,
      });
    } else if (sub && chains > 0 && elements % chains !== 0) {
      problems.push({
        path: ['array', 'rfChains'],
        text: `array.rfChains: connection 'sub' gives each chain a block of equal size, and ${counted(elements, 'element')} do not divide by ${chains}`,
      });
    }
    for (const list of elementLists(rig)) {
      const named = at(rig, list);
      if (!Array.isArray(named)) continue;
      named.forEach((element: unknown, index) => {
        if (typeof element !== 'number' || !Number.isInteger(element) || element < elements || element > 65_535) return;
        const path = [...list, index];
        problems.push({
          path,
          text: `${pathText(path)}: ${element} is no element of this array; allowed: 0 to ${elements - 1}`,
        });
      });
    }
  }
  problems.push(
    ...stuckWordProblems(rig, elements || undefined, count('array', 'phaseBits')),
    ...sceneProblems(rig),
    ...payloadProblems(rig, users, chains),
    ...couplingProblems(rig, elements),
    ...ELEMENT_LISTS.flatMap((list) => namedTwice(rig, ['simulator', 'impairments', list])),
    ...linkProblems(
      at(rig, ['links']),
      { total: elements || undefined, users: users || undefined },
      at(rig, ['authentication']) !== undefined,
      folder,
    ),
    ...authenticationProblems(at(rig, ['authentication'])),
    ...homeProblems(rig),
    ...sensingProblems(rig),
    ...channelProblems(at(rig, ['channel']), { chains, users, array: searchedArray(rig, { rows, columns, elements, chains }) }),
  );
  const rateHz = at(rig, ['loop', 'rateHz']) ?? DEFAULT_RATE_HZ;
  const watchdogMs = at(rig, ['loop', 'watchdogMs']);
  if (typeof rateHz === 'number' && rateHz > 0 && typeof watchdogMs === 'number' && watchdogMs <= 1500 / rateHz) {
    const text = `loop.watchdogMs: ${watchdogMs} ms is no longer than cycles are apart at ${rateHz} a second; allowed: above ${Math.ceil(1500 / rateHz)}`;
    problems.push({ path: ['loop', 'watchdogMs'], text });
  }
  const boardElements = count('calibration', 'watch', 'boardElements');
  if (boardElements !== undefined && elements !== undefined && elements > 0 && boardElements > elements) {
    const text = `calibration.watch.boardElements: ${boardElements} on a board, and the array has ${elements}; allowed: 2 to ${elements}`;
    problems.push({ path: ['calibration', 'watch', 'boardElements'], text });
  }
  const codeword = at(rig, ['safeState']) === 'codeword';
  if (codeword !== (at(rig, ['safeCodeword']) !== undefined)) {
    const text = codeword
      ? 'missing; safeState: codeword needs it, as { azimuthDeg: 0 }'
      : 'has no meaning without safeState: codeword';
    problems.push({ path: codeword ? ['safeState'] : ['safeCodeword'], text: `safeCodeword: ${text}` });
  }
  const codebook = at(rig, ['beamformer', 'codebook']);
  if (codebook !== undefined && at(rig, ['beamformer', 'model']) !== 'codebook') {
    problems.push({ path: ['beamformer', 'codebook'], text: 'beamformer.codebook: has no meaning without model: codebook' });
  }
  const bits = count('array', 'phaseBits');
  const chip = chipNamed(at(rig, ['simulator', 'phaseShifter']));
  if (chip !== undefined && bits !== undefined && bits !== chip.phaseBits) {
    const text = `simulator.phaseShifter: ${chip.name} has words of ${chip.phaseBits} bits and array.phaseBits is ${bits}`;
    problems.push({ path: ['simulator', 'phaseShifter'], text });
  }
  return problems;
}

/** Undefined while its numbers are none that an array can have, which is told of elsewhere. */
function searchedArray(
  rig: unknown,
  { rows, columns, elements, chains }: Record<'rows' | 'columns' | 'elements' | 'chains', number | undefined>,
): SearchedArray | undefined {
  const spacingWavelengths = at(rig, ['array', 'geometry', 'spacingWavelengths']) ?? DEFAULT_SPACING_WAVELENGTHS;
  if (typeof spacingWavelengths !== 'number' || !(spacingWavelengths > 0 && spacingWavelengths <= MOST_SPACING_WAVELENGTHS))
    return undefined;
  if (!elements || elements > MOST_ELEMENTS || !chains || chains > elements) return undefined;
  const geometry =
    rows === undefined || columns === undefined
      ? { kind: 'ula' as const, elements, spacingWavelengths }
      : { kind: 'upa' as const, rows, columns, spacingWavelengths };
  return { geometry, rfChains: chains, connection: at(rig, ['array', 'connection']) === 'sub' ? 'sub' : 'full' };
}

const ELEMENT_LISTS = ['deadElements', 'stuckElements'];

/** Where a rig names elements of its simulated array. */
function elementLists(rig: unknown): (string | number)[][] {
  const faults = at(rig, ['simulator', 'faults']);
  return [
    ...ELEMENT_LISTS.map((list) => ['simulator', 'impairments', list]),
    ...(Array.isArray(faults) ? faults.map((_, index) => ['simulator', 'faults', index, 'elements']) : []),
  ];
}

/** The same number again in a list of elements: most probably another one is meant. */
function namedTwice(rig: unknown, path: string[]): Problem[] {
  const named = at(rig, path);
  if (!Array.isArray(named)) return [];
  const first = new Map<unknown, number>();
  return named.flatMap((element: unknown, index): Problem[] => {
    const before = first.get(element);
    if (before === undefined) first.set(element, index);
    if (before === undefined || typeof element !== 'number') return [];
    const place = [...path, index];
    return [{ path: place, text: `${pathText(place)}: element ${element} is that of ${pathText([...path, before])} already` }];
  });
}

/** Elements and words that the array has not, and elements that are told twice what they show. */
function stuckWordProblems(rig: unknown, elements: number | undefined, bits: number | undefined): Problem[] {
  const path = ['simulator', 'impairments', 'stuckWords'];
  const named = at(rig, path);
  if (!Array.isArray(named)) return [];
  const others = at(rig, ['simulator', 'impairments', 'stuckElements']);
  const seen = new Set<unknown>(Array.isArray(others) ? others : []);
  return named.flatMap((stuck: unknown, index): Problem[] => {
    const [element, word] = [at(stuck, ['element']), at(stuck, ['word'])];
    const found: Problem[] = [];
    const add = (key: string, why: string): number =>
      found.push({ path: [...path, index, key], text: `${pathText([...path, index, key])}: ${why}` });
    if (typeof element === 'number' && elements !== undefined && element >= elements) {
      add('element', `${element} is no element of this array; allowed: 0 to ${elements - 1}`);
    }
    if (typeof element === 'number' && seen.has(element)) add('element', `element ${element} is stuck already`);
    if (typeof word === 'number' && bits !== undefined && bits <= 16 && word >= 2 ** bits) {
      add('word', `${word} is no word of ${counted(bits, 'bit')}; allowed: 0 to ${2 ** bits - 1}`);
    }
    seen.add(element);
    return found;
  });
}

/** A report of the simulated panel is one frame. */
function payloadProblems(rig: unknown, users = 0, chains = 0): Problem[] {
  const path = ['simulator', 'panel', 'maxPayloadBytes'];
  const most = at(rig, path);
  const least = longestReportBytes(users, chains);
  if (typeof most !== 'number' || most < MIN_PAYLOAD_BYTES || most >= least || least > MAX_PAYLOAD_BYTES) return [];
  const of = `${counted(users, 'user')} and ${counted(chains, 'RF chain')}`;
  const text = `${pathText(path)}: ${most} bytes do not hold a report of ${of}; allowed: ${least} to ${MAX_PAYLOAD_BYTES}, or leave it out`;
  return [{ path, text }];
}

/** Where users may be must be somewhere. */
function sceneProblems(rig: unknown): Problem[] {
  const path = ['simulator', 'channel', 'farthestM'];
  const nearest = at(rig, ['simulator', 'channel', 'nearestM']) ?? 10;
  const farthest = at(rig, path) ?? 40;
  if (typeof nearest !== 'number' || !Number.isFinite(nearest) || typeof farthest !== 'number' || farthest >= nearest + 1)
    return [];
  return [{ path, text: `${pathText(path)}: ${farthest} m leaves no room beyond nearestM; allowed: ${nearest + 1} and more` }];
}

/** Coupling is a matrix of N×N, which every beam is multiplied by. */
const MOST_COUPLED = 1024;

function couplingProblems(rig: unknown, elements: number | undefined): Problem[] {
  const path = ['simulator', 'impairments', 'coupling'];
  if (at(rig, path) === undefined || elements === undefined || elements <= MOST_COUPLED) return [];
  return [
    { path, text: `${pathText(path)}: ${counted(elements, 'element')} are too many to couple; allowed: up to ${MOST_COUPLED}` },
  ];
}

/** What sensing wishes for is said once, and an objective that weighs it has to be told. */
function sensingProblems(rig: unknown): Problem[] {
  const sensing = at(rig, ['sensing']);
  const said = (key: string): boolean => at(sensing, [key]) !== undefined;
  const example = 'sensing: { directionsDeg: [-60, 0, 60] }';
  if (sensing === undefined) {
    if (at(rig, ['beamformer', 'objective']) !== 'rate-sensing') return [];
    const text = `beamformer.objective: rate-sensing has to know where to look; missing: ${example}`;
    return [{ path: ['beamformer', 'objective'], text }];
  }
  if (typeof sensing !== 'object' || sensing === null) return [];
  if (!said('directionsDeg') && !said('covariance')) {
    return [
      { path: ['sensing'], text: `sensing: says neither directionsDeg nor covariance; allowed: one of them, as ${example}` },
    ];
  }
  if (!said('covariance')) return [];
  return ['directionsDeg', 'widthDeg'].filter(said).map((key) => ({
    path: ['sensing', key],
    text: `sensing.${key}: has no meaning beside sensing.covariance, which says all of it; allowed: one of them`,
  }));
}

/** Cycles a second where the file says none. */
export const DEFAULT_RATE_HZ = 20;
/** From one element to the next where the file says nothing, and at most. */
export const DEFAULT_SPACING_WAVELENGTHS = 0.5;
export const MOST_SPACING_WAVELENGTHS = 10;

/** Paths that begin with the home of another user. */
function homeProblems(rig: unknown): Problem[] {
  const links = at(rig, ['links']);
  const ofLinks = (Array.isArray(links) ? links : []).flatMap((_, index) => [
    ...LINK_PATHS.map((keys) => ['links', index, ...keys]),
  ]);
  const places = [
    ['beamformer', 'model'],
    ['beamformer', 'codebook'],
    ['authentication', 'keyFile'],
    ['telemetry', 'runFolder'],
    ['beamFolder'],
    ['sensing', 'covariance'],
    ...ofLinks,
  ];
  return places.flatMap((path): Problem[] => {
    const value = at(rig, path);
    if (typeof value !== 'string' || !namesAnotherHome(value)) return [];
    return [
      {
        path,
        text: `${pathText(path)}: ${JSON.stringify(value)} begins with the home of another user; allowed: ~/, or the whole path`,
      },
    ];
  });
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key) ? Reflect.get(inner, key) : undefined,
    value,
  );
}
