/** What a write to InfluxDB makes of servers that are none, or not ready, or not ours. */
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { serveAs, type Asked, type ToldServer } from '../../../test/http-server.ts';
import { InfluxServer } from '../../../test/influx-server.ts';
import { hasPart } from '../../../test/parts.ts';
import { checkInflux, createInfluxClient } from './influx-client.ts';
import { exportOptions, influxTarget, influxTargetFromUrl, type InfluxTarget } from './influx-target.ts';

const lines = Array.from(
  { length: 8 },
  (_, index) => `cycle,rig=a cycle=${index}i ${1_790_000_000_000_000_000n + BigInt(index)}`,
);

let server: ToldServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

type Answer = (response: ServerResponse, asked: Asked, call: number) => void;

/** A server that answers so, and the client for it. */
async function against(answer: Answer, more: Partial<InfluxTarget> = {}, timeoutMs = 5000) {
  const events = (server = await serveAs((asked, response, call) => answer(response, asked, call)));
  const target: InfluxTarget = { host: '127.0.0.1', port: events.port, database: 'lab', ...more };
  return { client: createInfluxClient(target, timeoutMs), check: () => checkInflux(target, timeoutMs), asked: events.asked };
}

const says =
  (status: number, body = '', headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(status, headers).end(body);
const INFLUX = { 'X-Influxdb-Version': '1.8.10' };
const json = (status: number, content: object): Answer => says(status, JSON.stringify(content), INFLUX);
/** Knows no database until it is made. */
const withoutDatabase =
  (create: Answer): Answer =>
  (response, asked, call) => {
    if (asked.path.startsWith('/query')) create(response, asked, call);
    else json(404, { error: 'database not found: "lab"' })(response, asked, call);
  };

describe('points are written only where InfluxDB says so', () => {
  it('with 204, as the lines are, to the nanosecond', async () => {
    const { client, asked } = await against(says(204, '', INFLUX));
    expect(await client.write(lines)).toEqual({ outcome: 'taken', points: 8, refused: 0 });
    expect(asked).toEqual([{ path: '/write?db=lab&precision=ns', body: lines.join('\n'), authorization: undefined }]);
  });

  it.each([
    ['the log-in page of a network', says(200, '<html>Please log in</html>', { 'content-type': 'text/html' }), 'not-influx'],
    ['a proxy that says yes in JSON', says(200, '{"ok":true}', { 'content-type': 'application/json' }), 'not-influx'],
    ['201', says(201), 'not-influx'],
    ['a redirect', says(302, '', { location: 'http://portal.example/login?u=lab&p=secret' }), 'redirect'],
    ['the 404 of a web server', says(404, '<h1>Not Found</h1>', { 'content-type': 'text/html' }), 'not-influx'],
    ['the 400 of a proxy', says(400, '<h1>Bad Request</h1>'), 'not-influx'],
    ['a proxy that lets nothing through', says(413, '<h1>Too large</h1>'), '413'],
    ['no user', json(401, { error: 'unable to parse authentication credentials' }), '401'],
    ['a user who may not', json(403, { error: '"lab" user is not authorized to write' }), '403'],
    ['too many', says(429), '429'],
    ['trouble of its own', json(500, { error: 'engine is closed' }), '500'],
    ['a gateway', says(503, '<h1>Service Unavailable</h1>'), '503'],
  ])('not by %s: the same points are tried again later', async (_, answer, cause) => {
    const { client } = await against(answer);
    const result = await client.write(lines);
    expect(result).toMatchObject({ outcome: 'again', cause });
    expect(JSON.stringify(result)).not.toMatch(/secret|<h/);
  });

  it('and says why a server in trouble takes none', async () => {
    const { client } = await against(json(500, { error: 'engine is closed' }));
    expect(await client.write(lines)).toMatchObject({ why: '500 engine is closed' });
  });

  it('and marks a 204 that comes without the name of InfluxDB', async () => {
    const { client, check } = await against(says(204));
    expect(await client.write(lines)).toMatchObject({ outcome: 'taken', nameless: true });
    expect(await check()).toMatchObject({ verdict: 'wrong', cause: 'nameless' });
  });
});

describe('an answer without end', () => {
  const dripping: Answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    const drip = setInterval(() => response.write('.'), 5);
    response.on('close', () => clearInterval(drip));
  };
  const pouring: Answer = (response) => {
    response.writeHead(500, INFLUX);
    const pour = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
      if (!response.destroyed) response.once('drain', pour);
    };
    pour();
  };

  it('is cut off in time', async () => {
    const { client } = await against(dripping, {}, 100);
    expect(await client.write(lines)).toMatchObject({ outcome: 'again', cause: 'not-influx' });
  });

  it('is cut off in size', async () => {
    const { client } = await against(pouring, {}, 600_000);
    expect(await client.write(lines)).toMatchObject({ outcome: 'again', cause: '500' });
  });

  it('that never begins is as no answer', async () => {
    const { client } = await against(() => undefined, {}, 100);
    expect(await client.write(lines)).toEqual({ outcome: 'again', cause: 'timeout', why: 'no answer within 0.1 s' });
  });
});

describe('a database that is not there', () => {
  it('is made, and the points go in', async () => {
    let made = false;
    const { client, asked } = await against((response, { path }) => {
      if (path.startsWith('/query')) {
        made = true;
        response.writeHead(200, INFLUX).end('{"results":[{"statement_id":0}]}');
      } else if (made) response.writeHead(204, INFLUX).end();
      else response.writeHead(404, INFLUX).end('{"error":"database not found"}');
    });
    expect(await client.write(lines)).toEqual({ outcome: 'taken', points: 8, refused: 0 });
    expect(asked[1].body).toBe(new URLSearchParams({ q: 'CREATE DATABASE "lab"' }).toString());
  });

  const notImplemented = json(200, { results: [{ statement_id: 0, error: 'not implemented: CREATE DATABASE' }] });

  it('of InfluxDB 2 without a mapping waits, and says what is missing', async () => {
    const { client, check } = await against(withoutDatabase(notImplemented));
    expect(await client.write(lines)).toMatchObject({ outcome: 'again', cause: 'no-database' });
    const found = await check();
    expect(found).toMatchObject({ verdict: 'wrong', cause: 'no-database' });
    expect(JSON.stringify(found)).toContain('dbrp create');
  });

  it('is good to the doctor only where a run could make it', async () => {
    const may = await against(withoutDatabase(json(200, { results: [{ statement_id: 0, series: [] }] })));
    expect(await may.check()).toMatchObject({ verdict: 'good' });
    await server?.close();
    const mayNot = await against(withoutDatabase(json(403, { error: 'requires admin privilege' })));
    expect(await mayNot.check()).toMatchObject({ verdict: 'wrong', cause: 'no-database' });
    expect(mayNot.asked.map(({ body }) => body).join()).not.toContain('CREATE');
  });
});

describe('InfluxDB 2', () => {
  it('that makes no database is written to all the same by its 1.x path', async () => {
    const { client, asked } = await against((response, { path }) => {
      if (path.startsWith('/query')) response.writeHead(200).end('{"results":[{"error":"not implemented: CREATE DATABASE"}]}');
      else response.writeHead(204, { 'X-Influxdb-Version': 'v2.7.1', 'X-Influxdb-Build': 'OSS' }).end();
    });
    expect(await client.write(lines)).toEqual({ outcome: 'taken', points: 8, refused: 0 });
    expect(asked.map(({ path }) => path)).toEqual(['/write?db=lab&precision=ns']);
  });

  it('gets a token, or user and password', async () => {
    const token = await against(says(204, '', INFLUX), { token: 'abc==' });
    await token.client.write(lines);
    expect(token.asked[0].authorization).toBe('Token abc==');
    await server?.close();
    const user = await against(says(204, '', INFLUX), { username: 'lab', password: 'pä:ss' });
    await user.client.write(lines);
    expect(user.asked[0].authorization).toBe(`Basic ${Buffer.from('lab:pä:ss').toString('base64')}`);
  });

  it('that wants points and got the doctor’s comment is good', async () => {
    const { check } = await against(says(400, '{"code":"invalid","message":"writing requires points"}'));
    expect(await check()).toMatchObject({ verdict: 'good' });
  });
});

describe('points that are refused', () => {
  it('are refused by themselves, however they spoil a batch', async () => {
    const bad = lines[5];
    const { client } = await against((response, { body }) => {
      if (body.includes(bad)) response.writeHead(400, INFLUX).end('{"error":"unable to parse"}');
      else response.writeHead(204, INFLUX).end();
    });
    expect(await client.write(lines)).toMatchObject({ outcome: 'taken', points: 7, refused: 1, why: 'unable to parse' });
  });

  it('in too large a batch go in smaller ones', async () => {
    const { client } = await against((response, { body }) => {
      if (body.split('\n').length > 2) response.writeHead(413).end('<h1>Request Entity Too Large</h1>');
      else response.writeHead(204, INFLUX).end();
    });
    expect(await client.write(lines)).toEqual({ outcome: 'taken', points: 8, refused: 0 });
  });

  it('are counted where the server kept the others', async () => {
    const { client } = await against(json(400, { error: 'partial write: field type conflict: … dropped=3' }));
    expect(await client.write(lines)).toMatchObject({ outcome: 'taken', points: 5, refused: 3 });
  });

  it('never leave when they were torn within their time', async () => {
    const { client, asked } = await against(says(204, '', INFLUX));
    const torn = lines[7].slice(0, -3);
    expect(await client.write([...lines.slice(0, 7), torn])).toMatchObject({ outcome: 'taken', points: 7, refused: 1 });
    expect(asked[0].body).toBe(lines.slice(0, 7).join('\n'));
  });
});

describe('an address with a password in it', () => {
  it.each([
    'http://lab:hunter2@127.0.0.1:99999/beamrig',
    'http://lab:hunter2@127.0.0.1:0/beamrig',
    'http://lab:hunt/er2@127.0.0.1:8086/beamrig',
    'http://lab:1234/hunter2@127.0.0.1:8086/beamrig',
    'http://lab:hunt#er2@127.0.0.1:8086/beamrig',
    'http://lab:hunt?er2@127.0.0.1:8086/beamrig',
    'http://lab:hunter2%@127.0.0.1:8086/beamrig',
    'http://lab:hunter2@[::1/beamrig',
    'http://lab:hunter2@ho st/beamrig',
    'ftp://lab:hunter2@127.0.0.1/beamrig',
    'lab:hunter2@127.0.0.1:8086/beamrig',
    'http://lab:hunter2',
    'http:/lab:hunter2@127.0.0.1:99999',
    'http://127.0.0.1:8086/write?db=beamrig&u=lab&p=hunter2',
  ])('is refused without showing it: %s', (url) => {
    let said = '';
    try {
      influxTargetFromUrl(url);
    } catch (error) {
      said = `${(error as Error).message} ${JSON.stringify(error)}`;
    }
    expect(said).toContain('--influx');
    expect(said).not.toMatch(/hunt|er2/);
  });

  it('gives its password by an environment variable', () => {
    const target = influxTargetFromUrl('https://lab@[::1]:8086/x', { passwordEnv: 'P' }, { P: 'hunter2' });
    expect(target).toEqual({ host: '::1', port: 8086, tls: true, database: 'x', username: 'lab', password: 'hunter2' });
    expect(exportOptions(target, { passwordEnv: 'P' })).toBe('--influx https://lab@[::1]:8086/x --password-env P');
    expect(influxTargetFromUrl('http://h/x', { tokenEnv: 'T' }, { T: 't' })).toMatchObject({ token: 't' });
    expect(() => influxTargetFromUrl('http://lab@h/x', { passwordEnv: 'P' }, {})).toThrow(
      '--password-env names P, which is not set',
    );
    expect(() => influxTargetFromUrl('http://h/x', { passwordEnv: 'P' }, { P: 'p' })).toThrow('names none');
    expect(() => influxTargetFromUrl('http://lab:q@h/x', { passwordEnv: 'P' }, { P: 'p' })).toThrow('gives another');
    const named = influxTarget({ host: 'h', port: 1, database: 'd', tokenEnv: 'T' }, { T: 't' });
    expect(named).toEqual({ host: 'h', port: 1, database: 'd', token: 't' });
  });
});

describe.skipIf(!hasPart('influxd'))('the doctor at a real InfluxDB [needs influxd]', () => {
  it('calls it good before there is a database and after, and away when it is gone', async () => {
    const real = await (await InfluxServer.place()).start();
    const target = { host: '127.0.0.1', port: real.port, database: 'lab' };
    try {
      const before = await checkInflux(target, 20_000);
      expect(`${before.verdict}: ${before.detail}`).toMatch(/^good: .*makes the database/);
      expect(await real.client('lab').getDatabaseNames()).not.toContain('lab');
      await createInfluxClient(target, 20_000).write(lines);
      const after = await checkInflux(target, 20_000);
      expect(`${after.verdict}: ${after.detail}`).toMatch(/^good: .*takes points/);
      await real.kill();
      expect(await checkInflux(target, 20_000)).toMatchObject({ verdict: 'away' });
    } finally {
      await real.remove();
    }
  });
});
