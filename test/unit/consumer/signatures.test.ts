import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { formatCheckpoint } from '../../../ledger/checkpoint.js';
import { encodeCheckpointRecord } from '../../../ledger/checkpoint-record.js';
import { signNote } from '../../../ledger/note.js';
import type { RecordParts } from '../../../ledger/records.js';
import { checkMade, codes, partition } from '../../support/findings.js';
import { FolderPlace } from '../../support/folder-place.js';
import { MadeLedger, newKey, type Sealed } from '../../support/made-ledger.js';
import { watchSignatures } from '../../support/signature-checks.js';

const MINUTE = 60_000;
const MONTH = 30 * 24 * 60 * MINUTE;
const MANY = 3000;
const MOST_IN_FLIGHT = 513;
const MOST_BYTES = 4 * 1024 * 1024;

let place: FolderPlace;
let made: MadeLedger;
let head: Sealed;
let start: number;

beforeEach(async () => {
  place = await FolderPlace.open();
  made = await MadeLedger.create(place.stream, { partitions: 1 });
  await made.append(0, 10);
  head = await made.sign(0);
  start = Date.now() - MANY * MINUTE;
});
afterEach(() => place.close());

const sealedAt = (minute: number, sealed = head) =>
  made.signAs(sealed, { time: start + minute * MINUTE });

const check = () => checkMade(made, place.stream, { maxAge: MONTH });

async function heartbeats(): Promise<RecordParts[]> {
  const all = Array.from({ length: MANY }, (_, minute) => sealedAt(minute));
  return (await Promise.all(all)).map(encodeCheckpointRecord);
}

/** What somebody may have written over a record, and what is said of it. */
const changes: readonly {
  readonly code: string;
  readonly of: (record: RecordParts, sealed: Sealed) => RecordParts;
}[] = [
  {
    code: 'checkpoint-unsigned',
    of: (record, { checkpoint, note }) => {
      const text = formatCheckpoint({ ...checkpoint, time: checkpoint.time + 1 });
      return {
        ...record,
        value: Buffer.from(`${text}${note.slice(note.lastIndexOf('\n\n') + 1)}`),
      };
    },
  },
  {
    code: 'checkpoint-unsigned',
    of: (record, { checkpoint }) => {
      const note = signNote(formatCheckpoint(checkpoint), checkpoint.origin, newKey());
      return { ...record, value: Buffer.from(note) };
    },
  },
  { code: 'checkpoint-malformed', of: (record) => ({ ...record, value: Buffer.from('junk') }) },
  { code: 'checkpoint-erased', of: (record) => ({ ...record, value: null }) },
  {
    code: 'checkpoint-malformed',
    of: (record, { checkpoint }) => ({
      ...record,
      key: Buffer.from(`${checkpoint.origin}@1999-12-31T23`),
    }),
  },
  {
    code: 'checkpoint-malformed',
    of: (record) => ({
      ...record,
      headers: record.headers.map(({ key }) => ({ key, value: new Uint8Array(0) })),
    }),
  },
  {
    code: 'unknown-version',
    of: (record, { checkpoint }) => {
      const text = formatCheckpoint(checkpoint).replace('sealstream/v1', 'sealstream/v2');
      return { ...record, value: Buffer.from(signNote(text, checkpoint.origin, made.key)) };
    },
  },
];

test('what is wrong anywhere among thousands is found, and told in the order of the topic', async () => {
  const records = await heartbeats();
  const expected: { readonly code: string; readonly offset: number }[] = [];
  for (let index = 5; index < MANY; index += 41) {
    const { code, of } = changes[expected.length % changes.length] ?? assert.fail();
    const record = records[index];
    assert.ok(record);
    records[index] = of(record, await sealedAt(index));
    expected.push({ code, offset: index });
  }
  await made.publishRecords(records);
  const watch = watchSignatures(true);
  const report = await check();
  watch.restore();
  const { findings } = partition(report, 0);
  const told = findings.map(({ code, message }) => {
    return { code, offset: Number(/^record (\d+) /.exec(message)?.[1]) };
  });
  // Notes that do not open come last: whether they are forged shows only when another one opens.
  const isUnopened = ({ code }: { readonly code: string }) => code === 'checkpoint-unsigned';
  assert.deepEqual(told, [
    ...expected.filter((one) => !isUnopened(one)),
    ...expected.filter(isUnopened),
  ]);
  assert.equal(report.verdict, 'tampered');
});

test('signatures are checked side by side, and only so many at once', async () => {
  await made.publishRecords(await heartbeats());
  const watch = watchSignatures(true);
  const report = await check();
  watch.restore();
  assert.deepEqual(codes(partition(report, 0)), []);
  assert.equal(watch.count, MANY);
  const { inFlight } = watch.most;
  assert.ok(inFlight > 1 && inFlight <= MOST_IN_FLIGHT, `${inFlight} in flight`);
});

/** As long as a batch of ten of them may be. */
const LONG = 90_000;
const longNotes: Readonly<Record<string, (minute: number) => Promise<Sealed>>> = {
  'long text': async (minute) => {
    const extensions = [['note', 'x'.repeat(LONG)]] as const;
    return sealedAt(minute, await made.signAs(head, { extensions }));
  },
  'long signatures of others': async (minute) => {
    const sealed = await sealedAt(minute);
    const other = Buffer.alloc(LONG * 0.75).toString('base64');
    return { ...sealed, note: `${sealed.note}— example.com/witness ${other}\n` };
  },
};

for (const [name, make] of Object.entries(longNotes)) {
  test(`of notes with a ${name} fewer are held`, async () => {
    const notes = Array.from({ length: 100 }, (_, minute) => make(minute));
    await made.publishRecords((await Promise.all(notes)).map(encodeCheckpointRecord));
    const watch = watchSignatures(true);
    await check();
    watch.restore();
    assert.equal(watch.count, 100);
    const { inFlight } = watch.most;
    const most = MOST_BYTES / LONG + 1;
    assert.ok(inFlight > 1 && inFlight <= most, `${inFlight} notes`);
  });
}

test('what is published again and again is checked once', async () => {
  const twice = [await sealedAt(1), await sealedAt(2)].map(encodeCheckpointRecord);
  await made.publishRecords(Array.from({ length: MANY / 2 }, () => twice).flat());
  const watch = watchSignatures(true);
  const report = await check();
  watch.restore();
  assert.deepEqual(codes(partition(report, 0)), []);
  assert.equal(watch.count, 2);
});

test('a forgery is not taken for the note that it was made from', async () => {
  const good = await sealedAt(1);
  const { of } = changes[0] ?? assert.fail();
  const records = [encodeCheckpointRecord(good), of(encodeCheckpointRecord(good), good)];
  for (const order of [records, records.toReversed()]) {
    await made.publishRecords(order);
  }
  const report = await check();
  assert.deepEqual(codes(partition(report, 0)), ['checkpoint-unsigned', 'checkpoint-unsigned']);
});
