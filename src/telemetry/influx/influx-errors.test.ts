/** The texts of InfluxDB 1 come from a real server here; those of version 2 are as its documentation has them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InfluxServer } from '../../../test/influx-server.ts';
import { hasPart } from '../../../test/parts.ts';
import { createExchange } from './influx-exchange.ts';
import { droppedPoints, refusalOf } from './influx-errors.ts';

describe.skipIf(!hasPart('influxd'))('what a real InfluxDB says [needs influxd]', () => {
  let server: InfluxServer;
  beforeAll(async () => {
    server = await (await InfluxServer.place()).start();
  });
  afterAll(() => server.remove());

  it('of points whose field types differ from those that it has, is read as their number', async () => {
    const exchange = createExchange({ host: '127.0.0.1', port: server.port, database: 'types' }, 5000);
    await exchange('/query', 'q=CREATE+DATABASE+types', 'application/x-www-form-urlencoded');
    const write = async (lines: string): Promise<string> => {
      const answer = await exchange('/write?db=types', lines, 'text/plain');
      return answer.ok ? answer.answer.body : answer.why;
    };
    expect(droppedPoints(await write('m value=1i 1'))).toBe(0);
    expect(droppedPoints(await write('m value=2i 2\nm value="three" 3\nm value="four" 4'))).toBe(2);
  });
});

describe('what InfluxDB 2 says', () => {
  it.each([
    ['not implemented: CREATE DATABASE', 'not-implemented'],
    ['writing requires points', 'no-points'],
    ['unable to parse points', 'other'],
    ['unauthorized access', 'other'],
  ])('%s', (text, code) => expect(refusalOf(text)).toBe(code));
});
