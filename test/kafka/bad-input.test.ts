import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { decodeBody } from '../../ledger/body.js';
import { SealstreamError } from '../../ledger/error.js';
import type { Placed } from '../../producer/pending.js';
import { publisher } from '../../producer/publisher.js';
import { type BadRecord, badRecords, keylessEvent, largest } from '../support/bad-records.js';
import { kafkaTest } from '../support/kafka.js';
import { kafkajsClient } from '../support/kafka-admin.js';
import { LedgerDesk, onBothStreams, type ReplayedLine, until } from '../support/ledger-desk.js';

interface Written {
  readonly record: BadRecord;
  readonly placed: Placed;
}

onBothStreams('whatever bytes are published are sealed, replayed raw and proven', (bootstrap) =>
  LedgerDesk.use({ bootstrap, partitions: 2 }, async (desk) => {
    const written = await publishAll(desk, [...badRecords(), ...badRecords(), keylessEvent()]);
    await assertSealed(desk, written);
    const proven = new Set(['no bytes at all', 'null key and value', 'as large as a batch']);
    for (const one of written.slice(badRecords().length)) {
      const { name } = one.record;
      if (proven.has(name) || name.startsWith('headers')) await assertProven(desk, one);
    }
  }),
);

onBothStreams('a record one byte too large is refused before it is sent', (bootstrap) =>
  LedgerDesk.use({ bootstrap, partitions: 1 }, async (desk) => {
    const stream = await desk.openStream();
    try {
      const to = await publisher({ stream, topic: desk.topic, source: '/test/bad' });
      const value = Buffer.concat([largest(), Buffer.of(0)]);
      await assert.rejects(to.publishRaw({ key: null, value }), (error) => {
        assert.ok(error instanceof SealstreamError);
        assert.equal(error.code, 'record-too-large');
        return true;
      });
      await to.close();
      const [bounds] = await stream.bounds(await identityOf(desk), [0]);
      assert.ok(bounds !== undefined && 'highWatermark' in bounds);
      assert.equal(bounds.highWatermark, 0n);
    } finally {
      await stream.close();
    }
  }),
);

onBothStreams('a topic that is not there is named by every command', (bootstrap) =>
  LedgerDesk.use({ bootstrap, partitions: 1 }, async (desk) => {
    const undeclared = await desk.run(['publish', '--topic', 'nowhere']);
    assert.equal(undeclared.code, 64);
    assert.match(undeclared.stderr, /nowhere.*not in ledger\.yaml/);
    const text = await readFile(desk.path('ledger.yaml'), 'utf8');
    await writeFile(desk.path('ledger.yaml'), text.replace(desk.topic, `no-${desk.topic}`));
    const expected = [
      [['publish'], 70, /no-audit.*does not exist/],
      [['verify'], 2, /topic-missing/],
      [['replay'], 2, /topic-missing/],
      [['seal', '--once'], 70, /no-audit/],
      [['adopt'], 70, /no-audit.*does not exist/],
    ] as const;
    for (const [words, code, message] of expected) {
      const { code: ended, stdout, stderr } = await desk.run(words);
      assert.equal(ended, code, `${words.join(' ')}: ${stdout}${stderr}`);
      assert.match(stdout + stderr, message);
    }
  }),
);

kafkaTest(
  'records of committed and aborted transactions are sealed, control records not',
  (bootstrap) =>
    LedgerDesk.use({ bootstrap, partitions: 1 }, async (desk) => {
      const written = await publishAll(desk, [keylessEvent()]);
      written.push(...(await transact(bootstrap, desk.topic, ['commit', 'abort', 'commit'])));
      assert.deepEqual(
        written.map(({ placed }) => placed.offset),
        // An offset between each is taken by a control record.
        [0n, 1n, 3n, 5n],
      );
      // The broker writes the last of them once the producer has been answered.
      await untilHighWatermark(desk, 7n);
      await assertSealed(desk, written);
      const status = (await desk.json(['status'])) as { head: { next: string } }[];
      assert.equal(status[0]?.head.next, '7');
      const aborted = written.find(({ record }) => record.name === 'abort');
      await assertProven(desk, aborted ?? assert.fail());
      // A control record, and the end of the log.
      for (const offset of ['4', '7']) {
        const { code, stderr } = await desk.run(['prove', '--partition', '0', '--offset', offset]);
        assert.notEqual(code, 0);
        assert.match(stderr, new RegExp(`offset ${offset}\\b`));
      }
    }),
);

async function untilHighWatermark(desk: LedgerDesk, wanted: bigint): Promise<void> {
  const identity = await identityOf(desk);
  const stream = await desk.openStream();
  try {
    await until(`the log ends at ${wanted}`, async () => {
      const [bounds] = await stream.bounds(identity, [0]);
      return bounds !== undefined && 'highWatermark' in bounds && bounds.highWatermark === wanted;
    });
  } finally {
    await stream.close();
  }
}

async function identityOf(desk: LedgerDesk) {
  const stream = await desk.openStream();
  try {
    return (await stream.describe(desk.topic)) ?? assert.fail(`no topic ${desk.topic}`);
  } finally {
    await stream.close();
  }
}

async function publishAll(desk: LedgerDesk, records: readonly BadRecord[]): Promise<Written[]> {
  const stream = await desk.openStream();
  try {
    const to = await publisher({ stream, topic: desk.topic, source: '/test/bad' });
    const placed = await Promise.all(records.map((record) => to.publishRaw(record)));
    await to.close();
    return records.map((record, index) => ({ record, placed: placed[index] as Placed }));
  } finally {
    await stream.close();
  }
}

async function transact(
  bootstrap: string,
  topic: string,
  endings: readonly ('commit' | 'abort')[],
): Promise<Written[]> {
  const producer = kafkajsClient(bootstrap).producer({
    transactionalId: topic,
    maxInFlightRequests: 1,
    idempotent: true,
    allowAutoTopicCreation: false,
  });
  const written: Written[] = [];
  await producer.connect();
  for (const ending of endings) {
    const transaction = await producer.transaction();
    const value = Buffer.from(`in a transaction to ${ending}`);
    const [sent] = await transaction.send({
      topic,
      messages: [{ key: null, value, partition: 0 }],
    });
    await transaction[ending]();
    const placed = { topic, partition: 0, offset: BigInt(sent?.baseOffset ?? assert.fail()) };
    written.push({ record: { name: ending, key: null, value, headers: [] }, placed });
  }
  await producer.disconnect();
  return written;
}

/** Sealed and verified with the exact count, and replayed byte by byte. */
async function assertSealed(desk: LedgerDesk, written: readonly Written[]): Promise<void> {
  const { code, stderr } = await desk.run(['seal', '--once']);
  assert.equal(code, 0, stderr);
  const verified = await desk.verify('--memory', 'seen');
  assert.equal(verified.code, 0, JSON.stringify(verified.report));
  assert.equal(verified.report.records, String(written.length));
  const lines = await desk.replay();
  assert.equal(lines.length, written.length);
  const found = new Map(lines.map((line) => [`${line.partition}/${line.offset}`, line]));
  for (const { record, placed } of written) {
    const line = found.get(`${placed.partition}/${placed.offset}`);
    assert.ok(line !== undefined, record.name);
    assertReplayed(line, record);
  }
}

function assertReplayed(line: ReplayedLine, record: BadRecord): void {
  if (record.name.startsWith('an event without')) {
    assert.equal(line.event?.['action'], 'test.bad.input');
    return;
  }
  assert.equal(line.event, undefined, record.name);
  assert.equal(line.key, base64(record.key), record.name);
  assert.ok(line.value === base64(record.value), `the value of: ${record.name}`);
  assert.deepEqual(
    line.headers,
    record.headers.map(([name, value]) => [base64(Buffer.from(name)), base64(value)]),
  );
}

function base64(value: Uint8Array | string | null): string | null {
  return value === null ? null : Buffer.from(value).toString('base64');
}

/** prove, check offline, and the record that it wrote is the one that was published. */
async function assertProven(desk: LedgerDesk, { record, placed }: Written): Promise<void> {
  const { partition, offset } = placed;
  const where = ['--partition', String(partition), '--offset', String(offset)];
  const files = (await desk.json(['prove', ...where])) as { proof: string; record: string };
  const rest = ['--record', files.record, '--public-key', 'keys/sealer.pub.pem'];
  const proven = (await desk.json(['check', files.proof, ...rest])) as { offset: string };
  assert.equal(proven.offset, String(offset));
  const body = decodeBody(await readFile(desk.path(files.record)));
  assert.equal(base64(body.key), base64(record.key));
  assert.ok(base64(body.value) === base64(record.value), record.name);
}
