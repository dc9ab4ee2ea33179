import assert from 'node:assert/strict';
import { appendFile, rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { openStream } from '../../stream/open.js';
import type { Stream } from '../../stream/stream.js';
import { Desk } from '../support/cli.js';
import { until } from '../support/ledger-desk.js';
import {
  CONFIGURATION,
  configure,
  createConfigurationTopic,
  hashOf,
} from '../support/sealer/configuration-topic.js';
import { tamper } from '../support/tamper.js';

interface ReportDocument {
  readonly verdict: string;
  readonly partitions: readonly { readonly topic: string }[];
  readonly configuration: {
    readonly topic: string | null;
    readonly log: { readonly verdict: string } | null;
    readonly changes: readonly { readonly config: string; readonly known: string | null }[];
  } | null;
}

const EVENT = '{"action":"payment.refund","actor":{"id":"user-1"}}\n';
const LEDGER = 'audit.example.com/test';
const [A, B] = [hashOf('a'), hashOf('b')];

describe('the configuration topic, on the embedded stream', () => {
  let desk: Desk;
  let stream: Stream;
  let seals = 0;
  before(async () => {
    desk = await Desk.open();
    stream = await openStream(`file:${desk.path('data')}`);
    await desk.json(['init', '--ledger', LEDGER, '--partitions', '2']);
    await desk.undeclareConfiguration();
    await desk.json(['apply']);
    assert.equal((await desk.run(['publish'], { input: EVENT.repeat(20) })).code, 0);
  });
  after(async () => {
    await stream.close();
    await desk.close();
  });

  async function withThreads(words: readonly string[]): Promise<ReportDocument[]> {
    const all: ReportDocument[] = [];
    for (const workers of ['1', '2']) {
      const report = await desk.json([...words, '--workers', workers]);
      all.push({ ...(report as ReportDocument), ...{ seconds: 0 } });
    }
    return all;
  }

  /** Again where the machine is so slow that checkpoints did not wait for the configuration topic. */
  async function sealInTime(): Promise<void> {
    await until('sealed, and the configuration topic was read in time', async () => {
      const { code, stdout, stderr } = await desk.run(['seal', '--once', '--json']);
      seals += 1;
      assert.equal(code, 0, stderr);
      assert.equal(JSON.parse(stdout).length, 2);
      const lines = stderr.split('\n').filter((line) => !line.includes('it does not answer'));
      assert.deepEqual(lines, ['']);
      return stderr === '';
    });
  }

  it('declared and not yet there: the others are sealed, and it is said', async () => {
    await appendFile(desk.path('ledger.yaml'), `configuration: { topic: ${CONFIGURATION} }\n`);
    const sealed = await desk.run(['seal', '--once', '--json']);
    assert.equal(sealed.code, 70);
    assert.deepEqual(
      JSON.parse(sealed.stdout).map(({ topic }: { topic: string }) => topic),
      ['audit', 'audit'],
    );
    assert.match(sealed.stderr, /audit\.configuration\/0: not sealed/);
    const status = await desk.run(['status']);
    assert.equal(status.code, 70);
    assert.match(status.stderr, /no topic audit\.configuration/);
    const verified = await desk.run(['verify']);
    assert.equal(verified.code, 2);
    assert.match(verified.stdout, /topic-missing/);
    const adopted = await desk.run(['adopt', '--yes']);
    assert.equal(adopted.code, 0);
    assert.match(adopted.stderr, /audit\.configuration does not exist/);
  });

  it('adopt starts its log, seal names what is in force', async () => {
    await createConfigurationTopic(stream);
    await desk.json(['adopt', '--yes']);
    await configure(stream, 'a');
    for (let seal = 0; seal < 2; seal += 1) await sealInTime();
    const { stdout } = await desk.run(['checkpoints', '--latest']);
    const own = (await desk.json(['checkpoints', '--topic', CONFIGURATION])) as { size: string }[];
    assert.deepEqual(
      own.map(({ size }) => size),
      Array(seals).fill('1'),
    );
    const lines = stdout.split('\n').filter((line) => line.startsWith('config '));
    assert.deepEqual(lines, [`config ${A}`, `config ${A}`]);
  });

  it('verify reports every change, with any number of threads', async () => {
    await configure(stream, 'b');
    await sealInTime();
    const [one, two] = await withThreads(['verify']);
    assert.deepEqual(one, two);
    assert.equal(one?.verdict, 'intact');
    assert.deepEqual(new Set(one?.partitions.map(({ topic }) => topic)), new Set(['audit']));
    assert.equal(one?.configuration?.log?.verdict, 'intact');
    assert.deepEqual(
      one?.configuration?.changes.map(({ config, known }) => [config, known]),
      [...Array(3).fill([A, '0']), ...Array(3).fill([B, '1'])],
    );
    const { stdout } = await desk.run(['verify']);
    const named = (hash: string, offset: number) =>
      `on \\(3 logs\\): configuration ${hash}, audit.configuration/0 offset ${offset}\n`;
    for (const [hash, offset] of [
      [A, 0],
      [B, 1],
    ] as const) {
      assert.match(stdout, new RegExp(named(hash.replaceAll('+', '\\+'), offset)));
    }
  });

  it('an auditor without ledger.yaml sees the changes', async () => {
    const key = ['--public-key', 'keys/sealer.pub.pem'];
    const place = ['--stream', 'file:data', '--ledger', LEDGER, '--topic', 'audit'];
    const report = (await desk.json(['verify', ...place, ...key])) as ReportDocument;
    assert.deepEqual([report.configuration?.topic, report.configuration?.log], [null, null]);
    assert.equal(report.configuration?.changes.length, 4);
  });

  it('--topic selects it everywhere, but to publish', async () => {
    const only = ['--topic', CONFIGURATION];
    const report = (await desk.json(['verify', ...only])) as ReportDocument;
    assert.deepEqual(
      report.partitions.map(({ topic }) => topic),
      [CONFIGURATION],
    );
    const status = (await desk.json(['status', ...only])) as { topic: string }[];
    assert.deepEqual(
      status.map(({ topic }) => topic),
      [CONFIGURATION],
    );
    assert.equal(((await desk.json(['status'])) as unknown[]).length, 2);
    assert.match((await desk.run(['status'])).stdout, /audit\.configuration/);
    const notes = (await desk.json(['checkpoints', ...only])) as { topic: string }[];
    assert.equal(notes.length, seals);
    const replayed = await desk.run(['replay', ...only]);
    assert.equal(replayed.code, 0, replayed.stderr);
    assert.equal(replayed.stdout.trim().split('\n').length, 2);
    const at = ['--partition', '0', '--offset', '1'];
    const proved = await desk.run(['prove', ...only, ...at, '--out', 'receipts']);
    assert.equal(proved.code, 0, proved.stderr);
    const published = await desk.run(['publish', ...only], { input: EVENT });
    assert.equal(published.code, 64);
  });

  it('its loss shows everywhere and stops no other log', async () => {
    await rm(desk.path('data', `${CONFIGURATION}-0`), { recursive: true });
    assert.equal((await desk.run(['publish'], { input: EVENT })).code, 0);
    const sealed = await desk.run(['seal', '--once', '--json']);
    assert.equal(sealed.code, 1);
    assert.match(sealed.stderr, /audit\.configuration\/0: refused: topic-missing/);
    assert.ok(
      JSON.parse(sealed.stdout).every(({ refusal }: { refusal: null }) => refusal === null),
    );
    const { stdout } = await desk.run(['checkpoints', '--latest']);
    assert.equal(stdout.split(`config ${B}`).length, 3);
    const verified = await desk.run(['verify']);
    assert.equal(verified.code, 2);
    assert.match(verified.stdout, /topic-missing.*audit\.configuration\/0/);
  });
});

describe('a configuration log that is damaged', () => {
  let desk: Desk;
  before(async () => {
    desk = await Desk.open();
    await desk.json(['init', '--ledger', LEDGER, '--partitions', '2']);
    await desk.json(['apply']);
    assert.equal((await desk.run(['publish'], { input: EVENT.repeat(20) })).code, 0);
    await desk.json(['seal', '--once']);
    const stream = await openStream(`file:${desk.path('data')}`);
    try {
      await configure(stream, 'b');
    } finally {
      await stream.close();
    }
    await desk.json(['seal', '--once']);
    tamper(desk.path('data'), CONFIGURATION, 0, (log) => log.corrupt(0n));
  });
  after(() => desk.close());

  it('verify does not say that no record names what it could not look for', async () => {
    const { code, stdout } = await desk.run(['verify']);
    assert.equal(code, 1);
    assert.match(stdout, /not found in audit\.configuration, whose log is tampered/);
    assert.doesNotMatch(stdout, /no record of/);
  });

  it('apply says why it changes nothing, and doctor looks at everything else', async () => {
    const { code, stdout, stderr } = await desk.run(['apply']);
    assert.notEqual(code, 0);
    assert.doesNotMatch(stdout, /configuration \S{44}: known/);
    assert.match(stderr, /CRC-32C.*until another configuration topic is declared/);
    // And one batch does not keep everything else from being looked at.
    const { checks } = (await desk
      .run(['doctor', '--json'])
      .then((run) => JSON.parse(run.stdout))) as {
      checks: { check: string; ran: boolean }[];
    };
    assert.deepEqual(
      checks.filter(({ ran }) => !ran).map(({ check }) => check),
      ['recorded-configuration'],
    );
  });

  it('adopt takes the other logs all the same', async () => {
    await rm(desk.path('memory'), { recursive: true });
    const { code, stdout } = await desk.run(['adopt', '--yes', '--json']);
    assert.equal(code, 1);
    const outcomes = JSON.parse(stdout) as { topic: string; action?: string; refused: string }[];
    assert.deepEqual(
      outcomes.map(({ topic, action }) => [topic, action]),
      [
        [CONFIGURATION, undefined],
        ['audit', 'head'],
        ['audit', 'head'],
      ],
    );
    assert.match(outcomes[0]?.refused ?? '', /CRC-32C/);
    const sealed = await desk.run(['seal', '--once', '--json']);
    assert.equal(sealed.code, 1);
    const audit = JSON.parse(sealed.stdout) as { refusal: unknown; error: unknown }[];
    assert.ok(audit.every(({ refusal, error }) => refusal === null && error === null));
  });
});
