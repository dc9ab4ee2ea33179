import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type Checkpoint, formatCheckpoint, signCheckpoint } from '../../../ledger/checkpoint.js';
import { checkpointKey } from '../../../ledger/checkpoint-record.js';
import { sha256 } from '../../../ledger/hash.js';
import { signNote } from '../../../ledger/note.js';
import type { RecordParts } from '../../../ledger/records.js';
import { type HeadAnswer, PublishedHeads } from '../../../sealer/heads.js';
import { FolderPlace } from '../../support/folder-place.js';
import { MadeLedger, newKey } from '../../support/made-ledger.js';
import { watchSignatures } from '../../support/signature-checks.js';

const HOUR = 3_600_000;
const MANY = 3000;
const FEW = 5;
const START = Date.UTC(2026, 0, 1);

let place: FolderPlace;
let made: MadeLedger;

beforeEach(async () => {
  place = await FolderPlace.open();
  made = await MadeLedger.create(place.stream, { partitions: 1 });
});
afterEach(() => place.close());

/** As sealed at hour `hour`; what it says of the log is made up. */
function sealedAt(hour: number, size: number, changes: Partial<Checkpoint> = {}): Checkpoint {
  const hash = sha256(Buffer.from(`${size}`));
  return {
    origin: made.origin(0),
    size: BigInt(size),
    root: hash,
    chain: hash,
    first: 0n,
    next: BigInt(size),
    partitions: 1,
    time: START + hour * HOUR,
    extensions: [],
    ...changes,
  };
}

const growing = (hour: number) => sealedAt(hour, hour + 1);
const idle = (hour: number) => sealedAt(hour, 7);

function recordOf(checkpoint: Checkpoint, note: string): RecordParts {
  const key = Buffer.from(checkpointKey(checkpoint.origin, checkpoint.time));
  return { key, value: Buffer.from(note), headers: [] };
}

const signed = (one: Checkpoint, key = made.key) => recordOf(one, signCheckpoint(one, key));

/** The signature of another checkpoint. */
function forged(one: Checkpoint): RecordParts {
  const note = signCheckpoint(sealedAt(0, 1), made.key);
  return recordOf(one, `${formatCheckpoint(one)}${note.slice(note.lastIndexOf('\n\n') + 1)}`);
}

const hours = (make: (hour: number) => Checkpoint) =>
  Array.from({ length: MANY }, (_, hour) => signed(make(hour)));

async function find(floor: Checkpoint | null): Promise<HeadAnswer & { readonly checks: number }> {
  const topic = await place.stream.describe(made.checkpointTopic);
  assert.ok(topic);
  const heads = new PublishedHeads(place.stream, topic, made.key.publicKey, 30_000);
  const watch = watchSignatures();
  try {
    const answer = await heads.find({ origin: made.origin(0), floor });
    return { ...answer, checks: watch.count };
  } finally {
    watch.restore();
  }
}

function expectHead({ head, conflict }: HeadAnswer, expected: Checkpoint | null): void {
  assert.deepEqual(head?.checkpoint ?? null, expected);
  if (head !== null) assert.equal(head.note, signCheckpoint(head.checkpoint, made.key));
  assert.equal(conflict, null);
}

describe('the past costs no signatures', () => {
  for (const [name, make] of Object.entries({ growing, idle })) {
    test(`a ${name} log, the memory at the head, behind it, and none`, async () => {
      await made.publishRecords(hours(make));
      const last = make(MANY - 1);
      for (const floor of [last, make(MANY / 2), make(0), null]) {
        const answer = await find(floor);
        expectHead(answer, last);
        assert.ok(answer.checks <= FEW, `${answer.checks} signatures`);
      }
    });
  }

  test('copies of the head', async () => {
    await made.publishRecords(Array.from({ length: MANY }, () => signed(idle(5))));
    for (const floor of [idle(5), null]) {
      const answer = await find(floor);
      expectHead(answer, idle(5));
      assert.ok(answer.checks <= FEW, `${answer.checks} signatures`);
    }
  });

  test('forged ones below the memory', async () => {
    const all = Array.from({ length: MANY }, (_, hour) => forged(growing(hour)));
    await made.publishRecords([...all, signed(growing(MANY))]);
    const answer = await find(growing(MANY));
    expectHead(answer, growing(MANY));
    assert.ok(answer.checks <= FEW, `${answer.checks} signatures`);
  });
});

describe('what is signed binds, wherever it is', () => {
  /** Near the beginning, in the middle and at the end of an honest past. */
  const PLACES = [1, MANY / 2, MANY];
  const LAST = MANY - 1;

  async function publishWith(index: number, ...others: RecordParts[]): Promise<void> {
    const all = hours(growing);
    all.splice(index, 0, ...others);
    await made.publishRecords(all);
  }

  for (const index of PLACES) {
    test(`a forged, a foreign and a malformed note at ${index} hide no head`, async () => {
      const junk = recordOf(growing(0), `${made.origin(0)}\n99999\njunk\n`);
      const foreign = signed(sealedAt(MANY, 3 * MANY), newKey());
      await publishWith(index, forged(sealedAt(MANY, 2 * MANY)), foreign, junk);
      for (const floor of [growing(LAST), growing(MANY / 2), null]) {
        expectHead(await find(floor), growing(LAST));
      }
    });

    test(`one that is ahead of the memory is found at ${index}`, async () => {
      const ahead = sealedAt(MANY, 2 * MANY);
      await publishWith(index, signed(ahead));
      for (const floor of [growing(LAST), null]) expectHead(await find(floor), ahead);
      // The same records, sealed later.
      const later = growing(LAST);
      await made.publishRecords([signed({ ...later, time: later.time + 1 })]);
      expectHead(await find(later), ahead);
    });

    const contradictions: Record<string, (last: Checkpoint) => Checkpoint> = {
      'another root, and earlier': (last) => ({ ...last, root: sha256(Buffer.of(1)), time: START }),
      'another chain, and earlier': (last) => ({
        ...last,
        chain: sha256(Buffer.of(1)),
        time: START,
      }),
      'more records in fewer offsets': (last) => ({
        ...last,
        size: last.size + 2n,
        next: last.next + 2n,
      }),
      'another start': (last) => ({ ...last, size: 3n, first: 1n, next: 9n }),
    };
    for (const [name, change] of Object.entries(contradictions)) {
      test(`a contradiction of the memory is found at ${index}: ${name}`, async () => {
        const floor = name.startsWith('more')
          ? { ...growing(LAST), next: growing(LAST).next + 1n }
          : growing(LAST);
        const other = change(growing(LAST));
        await publishWith(index, forged(other));
        const before = await find(floor);
        assert.equal(before.conflict, null);
        await made.publishRecords([signed(other)]);
        assert.notEqual((await find(floor)).conflict, null);
      });
    }

    test(`another format version is found at ${index}`, async () => {
      const text = formatCheckpoint(growing(0)).replace('sealstream/v1', 'sealstream/v2');
      const note = signNote(text, made.origin(0), made.key);
      await publishWith(index, recordOf(growing(0), note));
      for (const floor of [growing(LAST), null]) {
        assert.match((await find(floor)).conflict ?? '', /another format version/);
      }
    });
  }

  test('two histories at the end are a conflict for who remembers nothing', async () => {
    const fork = { ...growing(LAST), root: sha256(Buffer.of(1)) };
    await publishWith(MANY, signed(fork));
    assert.match((await find(null)).conflict ?? '', /two roots/);
  });

  test('what the memory outranks is no head', async () => {
    await made.publishRecords(hours(growing));
    expectHead(await find(growing(MANY)), null);
    const { time } = growing(LAST);
    expectHead(await find({ ...growing(LAST), time: time + 1 }), null);
  });
});
