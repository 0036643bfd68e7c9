import { describe, expect, it } from 'vitest';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { LINK_KIND_NAMES } from '../link/link-kinds.ts';
import { parseRigFile } from './rig-file.ts';

const KINDS = LINK_KIND_NAMES.join(', ');

const SMALL = `
name: bench
array: { geometry: { kind: ula, elements: 8 }, rfChains: 2, phaseBits: 7 }
users: { count: 2 }
beamformer: { model: aligned }
`;
const withLines = (...lines: string[]): string => `${SMALL}${lines.join('\n')}\n`;

function problems(...lines: string[]): string[] {
  try {
    parseRigFile(withLines(...lines), '/etc/rigs/rig.yaml');
  } catch (error) {
    if (!(error instanceof BeamrigError)) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

describe('the links of a rig file', () => {
  it('give one link all elements, its port for a name, and 921,600 baud', () => {
    const { links } = parseRigFile(withLines('links: [ { serial: { path: /dev/ttyUSB0 } } ]'), 'rig.yaml');
    expect(links).toEqual([
      {
        name: '/dev/ttyUSB0',
        kind: 'serial',
        elements: [0, 1, 2, 3, 4, 5, 6, 7],
        serial: { path: '/dev/ttyUSB0', baudRate: 921_600 },
      },
    ]);
  });

  it('mix serial and MQTT, with paths from the folder of the rig file', () => {
    const rig = parseRigFile(
      withLines(
        'links:',
        "  - { name: left, panel: A-1, elements: '0-3', serial: { path: ./tty, baudRate: 115200 } }",
        "  - { panel: B-2, elements: [ '7-5', 4 ], mqtt: { url: 'mqtts://localhost:8883', username: rig, passwordEnv: PW, caFile: tls/ca.pem } }",
        'authentication: { keyFile: keys/rig.key }',
      ),
      '/etc/rigs/rig.yaml',
    );
    expect(rig.links).toEqual([
      {
        name: 'left',
        panel: 'A-1',
        kind: 'serial',
        elements: [0, 1, 2, 3],
        serial: { path: '/etc/rigs/tty', baudRate: 115_200 },
      },
      {
        name: 'B-2',
        panel: 'B-2',
        kind: 'mqtt',
        elements: [7, 6, 5, 4],
        mqtt: {
          url: 'mqtts://localhost:8883',
          topicPrefix: 'beamrig',
          username: 'rig',
          passwordEnv: 'PW',
          caFile: '/etc/rigs/tls/ca.pem',
        },
      },
    ]);
    expect(rig.authentication).toEqual({ keyFile: '/etc/rigs/keys/rig.key' });
  });

  it('call a link over TCP by its address', () => {
    const { links } = parseRigFile(withLines("links: [ { tcp: { host: '::1', port: 4001, baudRate: 115200 } } ]"), 'rig.yaml');
    expect(links).toMatchObject([{ name: '[::1]:4001', kind: 'tcp', tcp: { host: '::1', port: 4001, baudRate: 115_200 } }]);
  });

  it('give receivers their users, all of them where none are named, and no elements', () => {
    const { links } = parseRigFile(
      withLines(
        'links:',
        '  - { name: front, serial: { path: /a } }',
        '  - { name: one, role: user, users: 1, serial: { path: /b } }',
        "  - { name: zero, role: user, users: '0-0', serial: { path: /c } }",
      ),
      'rig.yaml',
    );
    expect(links.map(({ name, elements, users }) => ({ name, elements: elements.length, users }))).toEqual([
      { name: 'front', elements: 8, users: undefined },
      { name: 'one', elements: 0, users: { firstUser: 1, count: 1 } },
      { name: 'zero', elements: 0, users: { firstUser: 0, count: 1 } },
    ]);
    const alone = withLines('links:', '  - { serial: { path: /a } }', '  - { role: user, serial: { path: /b } }');
    expect(parseRigFile(alone, 'rig.yaml').links[1].users).toEqual({ firstUser: 0, count: 2 });
  });

  const serial = (path: string, more = ''): string => `  - { ${more}serial: { path: ${path} } }`;
  const tcp = (host: string, port: number, more = ''): string => `  - { ${more}tcp: { host: '${host}', port: ${port} } }`;
  const mqtt = (url: string, more = ''): string => `links: [ { panel: B, mqtt: { url: '${url}'${more} } } ]`;

  it.each([
    [
      ['links:', serial('/a', "elements: '0-3', "), serial('/b', "elements: '5-7', ")],
      'links: element 4 is on no link (links[0] (/a), links[1] (/b))',
    ],
    [
      ['links:', serial('/a', "elements: '0-4', "), serial('/b', "elements: '3-7', ")],
      'links: elements 3-4 are on both links[0] (/a) and links[1] (/b)',
    ],
    [
      ['links:', serial('/a'), serial('/b', "elements: '3-7', ")],
      'links[0].elements: missing; with several links each names its elements',
    ],
    [['links:', serial('/a', "elements: '0-8', ")], 'links[0].elements: 8 is no element of this array; allowed: 0 to 7'],
    [
      ['links:', serial('/a', "elements: '0-3', "), serial('/a', "elements: '4-7', ")],
      'links[1].serial.path: "/a" is that of links[0] already',
    ],
    [
      ['links:', serial('/tmp/x1', "elements: '0-3', "), serial('/tmp/../tmp/x1', "elements: '4-7', ")],
      'links[1].serial.path: "/tmp/../tmp/x1" is that of links[0] already',
    ],
    [
      ['links:', serial('./x1', "elements: '0-3', "), serial('/etc/rigs/x1', "elements: '4-7', ")],
      'links[1].serial.path: "/etc/rigs/x1" is that of links[0] already',
    ],
    [
      ['links:', serial('/a'), serial('/b', 'role: user, users: 2, ')],
      'links[1].users: 2 is no user of this rig; allowed: 0 to 1',
    ],
    [['links:', serial('/a'), serial('/b', "role: user, users: '1-0', ")], 'links[1].users: "1-0" counts down; allowed: \'0-1\''],
    [
      ['links:', serial('/a'), serial('/b', "role: user, users: '0, 1', ")],
      'links[1].users: "0, 1" is no user and no range; allowed: 2, or \'0-3\'',
    ],
    [
      ['links:', serial('/a'), serial('/b', 'role: user, '), serial('/c', 'role: user, users: 1, ')],
      'links[2].users: user 1 is on links[1] already; allowed: each user on one link',
    ],
    [
      ['links:', serial('/a'), serial('/b', "role: user, elements: '0-3', ")],
      'links[1].elements: has no meaning with role: user, a board with receivers only',
    ],
    [
      ['links:', serial('/a', 'users: 0, ')],
      'links[0].users: has no meaning without role: user; a panel of the array reports on all users, or on none',
    ],
    [
      ['links:', serial('/a', 'role: user, ')],
      'links: none leads to a panel of the array; allowed: one link or more without role: user',
    ],
    [['links:', serial('/a', 'role: probe, ')], 'links[0].role: "probe" is not allowed; allowed: array | user'],
    [['links: [ { serial: { path: "" } } ]'], 'links[0].serial.path: is empty; allowed: the path of a port'],
    [['links: [ { name: a } ]'], `links[0]: none of ${KINDS}; allowed: one of them`],
    [
      ["links: [ { panel: A, serial: { path: /a }, mqtt: { url: 'mqtt://h' } } ]"],
      `links[0]: serial and mqtt; allowed: one of ${KINDS}`,
    ],
    [
      ["links: [ { mqtt: { url: 'mqtt://h' } } ]"],
      'links[0].panel: missing; allowed: the serial number of the panel, which is part of its topics',
    ],
    [
      ['links: [ { serial: { path: /a } } ]', 'authentication: { keyEnv: K }'],
      'links[0].panel: missing; allowed: the serial number of the panel, which its key is derived from',
    ],
    [
      ['links: [ { serial: { path: /a, baudRate: 0 } } ]'],
      'links[0].serial.baudRate: 0 is not allowed; allowed: a whole number from 1',
    ],
    [['links: [ { serial: { path: /a, baudrate: 9600 } } ]'], 'links[0].serial.baudrate: unknown key; did you mean baudRate?'],
    [
      [mqtt('http://h:1883')],
      'links[0].mqtt.url: http: is no scheme of a broker; allowed: mqtt://host:port or mqtts://host:port; did you mean mqtt:?',
    ],
    [[mqtt('mqqts://h')], 'did you mean mqtts:?'],
    [[mqtt('localhost')], 'links[0].mqtt.url: "localhost" has no scheme'],
    [[mqtt('mqtt://')], 'links[0].mqtt.url: "mqtt://" names no host; allowed: mqtt://host:port'],
    [[mqtt('mqtt://h:99999')], 'links[0].mqtt.url: "mqtt://h:99999" has a port that is none; allowed: a port from 1 to 65535'],
    [[mqtt('mqtt://h:abc')], 'links[0].mqtt.url: "mqtt://h:abc" has a port that is none; allowed: a port from 1 to 65535'],
    [[mqtt('mqtt://h:0')], 'links[0].mqtt.url: "mqtt://h:0" has a port that is none; allowed: a port from 1 to 65535'],
    [[mqtt('mqtt://[::1]:')], 'links[0].mqtt.url: "mqtt://[::1]:" has an empty port'],
    [[mqtt('mqtt:h')], 'links[0].mqtt.url: "mqtt:h" is no address'],
    [[mqtt('mqtt://a b')], 'links[0].mqtt.url: "mqtt://a b" is no address'],
    [[mqtt('mqtt://h/topic')], 'links[0].mqtt.url: "mqtt://h/topic" has something after host and port'],
    [[mqtt('mqtt://h', ', passwordEnv: PW')], 'links[0].mqtt.passwordEnv: a password needs a username'],
    [[mqtt('mqtt://h', ', caFile: ca.pem')], 'links[0].mqtt.caFile: certificates need TLS'],
    [[mqtt('mqtts://h', ', keyFile: k.pem')], 'links[0].mqtt.keyFile: needs certificateFile beside it'],
    [[mqtt('mqtt://h', ", topicPrefix: 'a/#'")], 'links[0].mqtt.topicPrefix: "a/#" is not allowed; allowed: topic levels'],
    ...['$SYS/x', 'a//b', 'a/', 'a\\u0001b', 'a\\u0085b', 'é'.repeat(101)].map((prefix): [string[], string] => [
      [`links: [ { panel: B, mqtt: { url: 'mqtt://h', topicPrefix: "${prefix}" } } ]`],
      'is not allowed; allowed: topic levels without + and # and control characters, none empty',
    ]),
    [
      ['links: [ { panel: "P\\e[31m", mqtt: { url: "mqtt://h" } } ]'],
      "links[0].panel: \"P\\u001b[31m\" has a '+', '#' or control",
    ],
    [['links: [ { panel: "P\\x85", mqtt: { url: "mqtt://h" } } ]'], "has a '+', '#' or control"],
    [["links: [ { panel: 'P+', mqtt: { url: 'mqtt://h' } } ]"], 'links[0].panel: "P+" has a'],
    [["links: [ { panel: 'a/b', mqtt: { url: 'mqtt://h' } } ]"], 'links[0].panel: "a/b" has a \'/\', and is part of topics'],
    [[`links: [ { panel: '${'é'.repeat(20)}', serial: { path: /a } } ]`], 'has 40 bytes; allowed: 32'],
    [
      ['links:', tcp('bench', 4001, "elements: '0-3', "), tcp('BENCH', 4001, "elements: '4-7', ")],
      'links[1].tcp.port: "BENCH:4001" is that of links[0] already',
    ],
    [
      ['links:', tcp('tcp://bench', 4001)],
      'links[0].tcp.host: "tcp://bench" is not allowed; allowed: the name or address of a host',
    ],
    [['links:', tcp('bench:4001', 4001)], 'links[0].tcp.host: "bench:4001" is not allowed'],
    [['links:', tcp('bench', 65_536)], 'links[0].tcp.port: 65536 is not allowed; allowed: a whole number from 1 to 65535'],
    [['authentication: {}'], 'authentication: neither keyFile nor keyEnv; allowed: one of the two'],
    [['safeState: codeword'], 'safeCodeword: missing; safeState: codeword needs it'],
    [['safeCodeword: { azimuthDeg: 10 }'], 'safeCodeword: has no meaning without safeState: codeword'],
    [
      ['safeState: codeword', 'safeCodeword: { azimuthDeg: 91 }'],
      'safeCodeword.azimuthDeg: 91 is not allowed; allowed: a number from -90 to 90',
    ],
    [['fallback: at-strat'], 'allowed: never | at-start | any-time; did you mean at-start?'],
    [['fallback: sometimes'], 'fallback: "sometimes" is not allowed; allowed: never | at-start | any-time'],
  ])('are refused where they are wrong: %j', (lines, message) => {
    const found = problems(...lines);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(message);
  });

  it('hold no password, and what stands in the place of one is not shown', () => {
    const texts = [
      problems(mqtt('mqtt://rig:hunter2@broker')),
      problems(mqtt('mqtt://rig:hun/hunter2@broker')),
      problems(mqtt('mqtt://h', ", username: rig, passwordEnv: 'hunter2 hunter2'")),
      problems("authentication: { keyEnv: 'hunter2 hunter2' }"),
      problems(mqtt('mqtt://h', ', password: hunter2')),
      problems("telemetry: { influx: { passwordEnv: 'hunter2!' } }"),
      problems(`links: [ { panel: B, mqtt: { url: [ 'mqtt://rig:hunter2@h' ] } } ]`),
    ];
    for (const text of texts) {
      expect(text).toHaveLength(1);
      expect(text[0]).not.toContain('hunter2');
    }
    expect(texts[0][0]).toContain('use username and passwordEnv');
    expect(texts[4][0]).toContain('did you mean passwordEnv?');
  });

  it('hold no key where the name of its variable belongs', () => {
    const key = 'a3f9'.repeat(16);
    const [problem, ...more] = problems(`authentication: { keyEnv: ${key} }`);
    expect(problem).toContain(
      'authentication.keyEnv: what stands here is not allowed; allowed: the name of an environment variable',
    );
    expect(more).toEqual([]);
  });

  it('stand beside a simulated chip that has its own number of bits', () => {
    expect(parseRigFile(withLines('simulator: { phaseShifter: adar1000 }'), 'rig.yaml').simulator.phaseShifter).toBe('adar1000');
    const six = withLines('simulator: { phaseShifter: adar1000 }').replace('phaseBits: 7', 'phaseBits: 6');
    expect(() => parseRigFile(six, 'rig.yaml')).toThrow(
      'simulator.phaseShifter: adar1000 has words of 7 bits and array.phaseBits is 6',
    );
  });
});
