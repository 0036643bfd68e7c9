import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readPanelPlan } from './panel-plan.ts';
import type { PanelOptions } from './panel-plan.ts';

const FLAGS: PanelOptions = {
  elements: '16',
  rfChains: '2',
  phaseBits: '6',
  users: '2',
  panel: 'BOARD-7',
  serial: ['/dev/pts/9'],
};

const rigText = (links: string): string => `
name: two-boards
array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 6 }
users: { count: 2 }
beamformer: { model: aligned }
simulator: { behaviours: [ { do: drop, probability: 0.5 } ] }
links: ${links}
`;
const TWO = `
  - { name: left, panel: L-1, elements: '7-0', serial: { path: /dev/ttyS1, baudRate: 115200 } }
  - { name: right, panel: R-1, elements: '8-15', mqtt: { url: 'mqtts://broker:8883', username: bench, passwordEnv: BENCH_PASSWORD } }
`;

let folder: string;
const rigFile = (links: string): string => {
  const path = join(folder, 'rig.yaml');
  writeFileSync(path, rigText(links));
  return path;
};
const refusal = (path: string | undefined, options: PanelOptions): string => {
  try {
    readPanelPlan(path, options);
  } catch (error) {
    const { message, wayOut } = error as { message: string; wayOut?: string };
    return `${message} | ${wayOut ?? ''}`;
  }
  return 'not refused';
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'beamrig-plan-'));
  vi.stubEnv('BENCH_PASSWORD', 'secret-of-the-bench');
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

describe('the plan of beamrig panel', () => {
  it('plays a board with receivers only, by its flag or by its link, and has them once', () => {
    const [alone] = readPanelPlan(undefined, { ...FLAGS, role: 'user' }).panels;
    expect(alone).toMatchObject({ panelSerial: 'BOARD-7', elements: [], users: { firstUser: 0, count: 2 } });
    const links = `[ { name: front, serial: { path: /a } }, { name: probe, role: user, users: 1, serial: { path: /b } } ]`;
    const { panels } = readPanelPlan(rigFile(links), { serial: ['front=/c', 'probe=/d'] });
    expect(panels.map(({ name, elements, users }) => [name, elements.length, users])).toEqual([
      ['front', 16, undefined],
      ['probe', 0, { firstUser: 1, count: 1 }],
    ]);
    expect(refusal(rigFile(links), { role: 'user' })).toMatch(/--role user: .* says that already \| Leave --role out/);
    expect(refusal(undefined, { ...FLAGS, role: 'probe' })).toMatch(/--role.*probe.*array.*user/);
  });

  it('needs no rig file for one panel with all elements', () => {
    const plan = readPanelPlan(undefined, FLAGS);
    expect(plan.panels).toEqual([
      {
        name: 'panel',
        panelSerial: 'BOARD-7',
        elements: Array.from({ length: 16 }, (_, n) => n),
        wire: { kind: 'serial', end: { path: '/dev/pts/9', baudRate: 921_600 } },
        behaviours: [],
      },
    ]);
    const { serial: _, ...rest } = FLAGS;
    const broker = readPanelPlan(undefined, { ...rest, mqtt: ['mqtt://127.0.0.1:1883'] });
    expect(broker.panels[0].wire).toEqual({
      kind: 'mqtt',
      end: { url: 'mqtt://127.0.0.1:1883', topicPrefix: 'beamrig', flag: '--mqtt' },
    });
  });

  it('plays each link of a rig file with its own elements, on the panel’s end of its wire', () => {
    const { panels } = readPanelPlan(rigFile(TWO), { serial: ['left=/dev/pts/4'] });
    expect(panels.map(({ name, panelSerial }) => [name, panelSerial])).toEqual([
      ['left', 'L-1'],
      ['right', 'R-1'],
    ]);
    expect(panels[0].elements).toEqual([7, 6, 5, 4, 3, 2, 1, 0]);
    expect(panels[0].wire).toEqual({ kind: 'serial', end: { path: '/dev/pts/4', baudRate: 115_200 } });
    expect(panels[1].wire).toEqual({
      kind: 'mqtt',
      end: {
        url: 'mqtts://broker:8883',
        topicPrefix: 'beamrig',
        username: 'bench',
        passwordEnv: 'BENCH_PASSWORD',
        password: 'secret-of-the-bench',
      },
    });
  });

  it('plays one link of several, elsewhere and at another rate', () => {
    const { panels } = readPanelPlan(rigFile(TWO), { link: ['right'], serial: ['/dev/pts/4@9600'] });
    expect(panels.map(({ wire }) => wire)).toEqual([{ kind: 'serial', end: { path: '/dev/pts/4', baudRate: 9600 } }]);
    const moved = readPanelPlan(rigFile(TWO), { link: ['right'], mqtt: ['mqtt://127.0.0.1:9'] });
    expect(moved.panels[0].wire).toMatchObject({ end: { url: 'mqtt://127.0.0.1:9', username: 'bench' } });
  });

  it('names panels after their links where the rig file does not', () => {
    const { panels } = readPanelPlan(rigFile(`[ { name: "bench/left", serial: { path: /dev/ttyS1 } } ]`), { serial: ['X'] });
    expect(panels[0].panelSerial).toBe('SIM-bench-left');
  });

  it('reads behaviours as words and as JSON, for all panels or for one', () => {
    const { panels } = readPanelPlan(rigFile(TWO), {
      serial: ['left=X'],
      behaviour: [
        'drop:probability=0.01,direction=to-host',
        'left=stall:forMs=50,nth=3,messages=commit+ping',
        '{ "do": "reset", "messages": ["set-phases"], "nth": 2 }',
      ],
    });
    expect(panels[0].behaviours).toMatchObject([
      { do: 'drop', probability: 0.01, direction: 'to-host' },
      { do: 'stall', forMs: 50, nth: 3, messages: ['commit', 'ping'] },
      { do: 'reset', messages: ['set-phases'], nth: 2 },
    ]);
    expect(panels[1].behaviours).toMatchObject([{ do: 'drop' }, { do: 'reset' }]);
    const { panels: own } = readPanelPlan(rigFile(TWO), { serial: ['left=X'], rigBehaviours: true });
    expect(own[0].behaviours).toMatchObject([{ do: 'drop', probability: 0.5 }]);
  });

  it('says which flag is wrong, and what would be right', () => {
    const { serial: _, ...nowhere } = FLAGS;
    expect(refusal(undefined, {})).toMatch(/no rig file, and no --elements, no --rf-chains, no --phase-bits, no --users/);
    expect(refusal(undefined, nowhere)).toMatch(/neither --serial nor --mqtt nor --tcp/);
    expect(refusal(undefined, { ...FLAGS, users: '3' })).toMatch(/--users 3: not allowed; allowed: a whole number from 1 to 2/);
    expect(refusal(undefined, { ...FLAGS, mqtt: ['mqtt://127.0.0.1'] })).toMatch(/panel is on --serial and on --mqtt/);
    expect(refusal(undefined, { ...FLAGS, serial: ['/dev/pts/9@fast'] })).toMatch(/@BAUD fast: not allowed/);
    expect(refusal(undefined, { ...FLAGS, log: 'all' })).toMatch(/--log all: not allowed; allowed: events \| beams/);
    expect(refusal(undefined, { ...FLAGS, conjugate: true })).toMatch(/--conjugate without --channels/);
    const rig = rigFile(TWO);
    expect(refusal(rig, {})).toMatch(/left: \/dev\/ttyS1 is the host’s end of the line.*--serial left=PATH/s);
    expect(refusal(rig, { serial: ['/dev/pts/4'] })).toMatch(
      /of which link\? There are left, right.*--serial left=\/dev\/pts\/4/s,
    );
    expect(refusal(rig, { serial: ['middle=/dev/pts/4'] })).toMatch(
      /--serial middle: there is no such link; allowed: left, right/,
    );
    expect(refusal(rig, { link: ['middle'] })).toMatch(/--link middle: there is no such link/);
    const left = ['left=/dev/pts/4'];
    expect(refusal(rig, { serial: left, behaviour: ['lft=drop'] })).toMatch(
      /--behaviour lft: there is no such link; allowed: left, right; did you mean left\?/,
    );
    expect(refusal(rig, { link: ['left'], serial: left, behaviour: ['right=drop'] })).toMatch(
      /right is not among the links played/,
    );
    expect(refusal(undefined, { ...FLAGS, serial: ['x=/dev/pts/4'] })).toMatch(
      /--serial x: there is no such link; allowed: panel/,
    );
    expect(refusal(rig, { link: ['left'], serial: ['/dev/ttyS9=/dev/pts/4'] })).toMatch(
      /--serial \/dev\/ttyS9: there is no such link/,
    );
    expect(refusal(rig, { link: ['right'], mqtt: ['rigt=mqtt://h'] })).toMatch(/--mqtt rigt: .*did you mean right\?/);
    expect(refusal(rig, { serial: ['left=A', 'left=B'] })).toMatch(/left is on A already/);
    expect(refusal(rig, { elements: '16' })).toMatch(/--elements 16: .*rig.yaml says that already/);
    expect(refusal(join(folder, 'none.yaml'), {})).toMatch(/there is no such file/);
  });

  it('does not repeat a password that somebody wrote into the address of a broker', () => {
    const rig = rigFile(TWO);
    for (const url of ['mqtt://rig:secret@bench', 'mqtt://rig:99/secret@bench', 'rig:secret@bench']) {
      const ways = [{ mqtt: [url] }, { mqtt: [`right=${url}`, `right=${url}`] }, { mqtt: [`middle=${url}`] }];
      for (const way of ways) {
        const said = refusal(rig, way);
        expect(said).toMatch(/--mqtt/);
        expect(said).not.toContain('secret');
      }
    }
  });

  it('refuses behaviours that no panel has, by their field', () => {
    const behaviour = (text: string): string => refusal(undefined, { ...FLAGS, behaviour: [text] });
    expect(behaviour('drop:probability=2')).toMatch(
      /--behaviour drop:probability=2: probability: 2 is not allowed; allowed: a number from 0 to 1 \|/,
    );
    expect(behaviour('drop:probabilty=0.1')).toMatch(/: probabilty: unknown key; did you mean probability\?/);
    expect(behaviour('explode')).toMatch(/: do: "explode" is not allowed; allowed: drop \| corrupt \| duplicate/);
    expect(behaviour('drp')).toMatch(/: do: "drp" is not allowed; .*; did you mean drop\?/);
    expect(behaviour('drop:messages=comit')).toMatch(/: messages\[0\]: "comit" is not allowed; .*did you mean commit\?/);
    expect(behaviour('delay')).toMatch(/: delayMs: missing; allowed: a number from 0 to 1000000000/);
    expect(behaviour('{ "nth": 2 }')).toMatch(/: do: missing; allowed: drop \| corrupt/);
    expect(behaviour('drop:often')).toMatch(/'often' is no key=value/);
    expect(behaviour('{ "do": ')).toMatch(/--behaviour \{ "do": : /);
  });

  it('does not begin without the broker’s password', () => {
    vi.stubEnv('BENCH_PASSWORD', '');
    expect(refusal(rigFile(TWO), { serial: ['left=X'] })).toMatch(
      /right: mqtt\.passwordEnv names BENCH_PASSWORD, and that environment variable is empty/,
    );
    vi.stubEnv('BENCH_PASSWORD', 'secret-of-the-bench');
  });
});
