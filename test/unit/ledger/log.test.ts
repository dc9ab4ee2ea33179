import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  appendLeaf,
  decodeEntry,
  decodeFrontier,
  ENTRY_LENGTH,
  encodeEntry,
  encodeFrontier,
  frontierRoot,
  genesis,
  type Hash,
  LogState,
  leafHash,
  recordHash,
} from '../../../ledger/index.js';
import {
  appendMade,
  attempt,
  checkpointOf,
  hashOf,
  madeLog,
  madeRecord,
  mutations,
  ORIGIN,
  throwsCode,
} from './support.js';
import { columnsOf } from './vectors.js';

const MAX = (1n << 63n) - 1n;

function sameState(a: LogState, b: LogState): void {
  const view = (state: LogState) => ({
    size: state.size,
    next: state.next,
    chain: state.chain,
    root: state.root(),
    frontier: state.frontier(),
    last: state.last(),
  });
  assert.deepEqual(view(a), view(b));
}

const anyRecord = fc.record({
  body: fc.uint8Array({ minLength: 3, maxLength: 300 }),
  gap: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 1n << 40n })),
  timestamp: fc.bigInt({ min: -(1n << 63n), max: MAX }),
});

test('the hot path computes what the plain functions do, for any records and batches', () => {
  const batches = fc.array(
    fc.record({
      type: fc.constantFrom(0 as const, 1 as const),
      padding: fc.nat(9),
      rows: fc.array(anyRecord, { maxLength: 12 }),
    }),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 1n << 50n }), batches, (first, list) => {
      const state = LogState.start(ORIGIN, first);
      let chain: Hash = genesis(ORIGIN);
      let offset = first;
      let size = 0n;
      let last = new Uint8Array(0);
      const frontier: Hash[] = [];
      for (const { type, padding, rows } of list) {
        const records = rows.map(({ body, gap, timestamp }) => {
          offset += gap;
          const record = recordHash(body);
          last = new Uint8Array(
            encodeEntry({ previous: chain, record, offset, timestamp, timestampType: type }),
          );
          chain = leafHash(last);
          appendLeaf(frontier, size++, chain);
          return { body, timestamp, offset: offset++ };
        });
        state.append(columnsOf(records, type, padding));
        assert.equal(state.size, size);
        assert.equal(state.next, offset);
        assert.deepEqual(state.chain, chain);
        assert.deepEqual(state.last(), last);
        assert.deepEqual(state.frontier(), encodeFrontier(frontier));
        assert.deepEqual(state.root(), frontierRoot(frontier));
      }
    }),
  );
});

test('how records are batched, cut into ranges or interrupted changes nothing', () => {
  const whole = madeLog(40);
  for (let cut = 0; cut <= 40; cut++) {
    const rows = Array.from({ length: 40 }, (_, index) => madeRecord(index));
    const columns = columnsOf(rows, 1);
    const ranged = LogState.start(ORIGIN, 0n);
    ranged.append(columns, 0, cut);
    ranged.append(columns, cut, cut);
    ranged.append(columns, cut);
    sameState(ranged, whole);
    const before = madeLog(cut);
    const resumed = LogState.resume(checkpointOf(before), before.last(), before.frontier());
    sameState(resumed, before);
    appendMade(resumed, 40);
    sameState(resumed, whole);
  }
});

test('a clone goes its own way', () => {
  const state = madeLog(13);
  const clone = state.clone();
  appendMade(clone, 20);
  sameState(state, madeLog(13));
  sameState(clone, madeLog(20));
});

test('what is handed out is a copy', () => {
  const state = madeLog(3);
  for (const bytes of [state.chain, state.root(), state.frontier(), state.last()]) bytes.fill(0);
  sameState(state, madeLog(3));
});

test('offsets go forwards only, and a batch that goes back changes nothing', () => {
  const row = (offset: bigint) => ({ body: new Uint8Array(3), offset, timestamp: 0n });
  const bad: bigint[][] = [
    [4n],
    [9n],
    [10n, 10n],
    [11n, 10n],
    [12n, 13n, 5n],
    [-1n],
    [MAX],
    [12n, MAX],
  ];
  bad.push([1n << 32n, (1n << 32n) - 1n], [(1n << 33n) + 5n, (1n << 32n) + 6n]);
  for (const offsets of bad) {
    const state = LogState.start(ORIGIN, 5n);
    state.append(columnsOf([5n, 9n].map(row), 0));
    const before = state.clone();
    throwsCode(() => state.append(columnsOf(offsets.map(row), 0)), 'malformed');
    sameState(state, before);
  }
  const state = LogState.start(ORIGIN, 5n);
  const good = [5n, 0xfffffffen, 0xffffffffn, 0x100000000n, 0x1ffffffffn, 0x200000000n, MAX - 1n];
  state.append(columnsOf(good.map(row), 0));
  assert.equal(state.next, MAX);
  assert.equal(decodeEntry(state.last()).offset, MAX - 1n);
});

test('offsets without records are skipped forwards only', () => {
  const state = madeLog(2);
  state.skipTo(state.next);
  state.skipTo(1000n);
  assert.equal(state.next, 1000n);
  assert.equal(state.size, 2n);
  throwsCode(() => state.skipTo(999n), 'malformed');
  throwsCode(() => state.skipTo(MAX + 1n), 'malformed');
  throwsCode(() => appendMade(state, 3), 'malformed');
  throwsCode(() => LogState.start(ORIGIN, -1n), 'malformed');
  throwsCode(() => LogState.start('nothing', 0n), 'malformed');
});

test('columns that lie about themselves are a fault of the caller, not hashed', () => {
  const columns = columnsOf([madeRecord(0), madeRecord(1)], 1);
  const state = LogState.start(ORIGIN, 0n);
  const bad = [
    { ...columns, count: 3 },
    { ...columns, bodyStart: Int32Array.of(-1, 0) },
    { ...columns, bodyEnd: Int32Array.of(columns.bytes.length + 1, 3) },
    { ...columns, bodyStart: Int32Array.of(5, 0), bodyEnd: Int32Array.of(4, 3) },
    { ...columns, timestamps: new BigInt64Array(1) },
    { ...columns, timestampType: 2 as never },
  ];
  for (const lie of bad) throwsCode(() => state.append(lie), 'internal');
  for (const [from, to] of [
    [-1, 1],
    [1, 0],
    [0, 3],
    [Number.NaN, 1],
    [0.5, 2],
    [0, 1.5],
  ] as const) {
    throwsCode(() => state.append(columns, from, to), 'internal');
  }
  sameState(state, LogState.start(ORIGIN, 0n));
});

test('sizes beyond 32 and 53 bits', () => {
  const starts = [(1n << 32n) - 1n, (1n << 32n) - 2n, 1n << 32n, (1n << 53n) - 1n, 1n << 53n];
  for (const size of [...starts, (1n << 61n) - 1n, (1n << 33n) + (1n << 31n) - 1n]) {
    const bits = size.toString(2).replaceAll('0', '').length;
    const frontier = Array.from({ length: bits }, (_, index) => hashOf(index));
    const last = encodeEntry({
      previous: hashOf(1),
      record: hashOf(2),
      offset: size,
      timestamp: 0n,
      timestampType: 1,
    });
    const checkpoint = {
      ...checkpointOf(LogState.start(ORIGIN, 0n)),
      size,
      next: size + 1n,
      root: frontierRoot(frontier),
      chain: leafHash(last),
    };
    const state = LogState.resume(checkpoint, last, encodeFrontier(frontier));
    let expected = size;
    for (let step = 0; step < 3; step++) {
      state.append(columnsOf([{ body: new Uint8Array(3), offset: state.next, timestamp: 0n }], 1));
      appendLeaf(frontier, expected++, state.chain);
      assert.equal(state.size, expected);
      assert.deepEqual(state.frontier(), encodeFrontier(frontier));
      assert.deepEqual(decodeFrontier(state.frontier(), state.size), frontier);
    }
  }
});

test('a state is not resumed from any other entry or frontier', () => {
  for (const size of [0, 1, 2, 7, 8]) {
    const state = madeLog(size);
    const checkpoint = checkpointOf(state);
    for (const last of mutations(state.last())) {
      throwsCode(() => LogState.resume(checkpoint, last, state.frontier()), 'malformed');
    }
    for (const frontier of mutations(state.frontier())) {
      throwsCode(() => LogState.resume(checkpoint, state.last(), frontier), 'malformed');
    }
    const nowhere = { ...checkpoint, origin: `${checkpoint.origin}x` };
    throwsCode(() => LogState.resume(nowhere, state.last(), state.frontier()), 'malformed');
    for (const other of [0, 1, 2, 7, 8].filter((candidate) => candidate !== size)) {
      const wrong = madeLog(other);
      throwsCode(() => LogState.resume(checkpoint, wrong.last(), state.frontier()), 'malformed');
      throwsCode(() => LogState.resume(checkpoint, state.last(), wrong.frontier()), 'malformed');
    }
  }
});

test('a last entry that its checkpoint leaves no room for is refused', () => {
  const state = madeLog(3);
  const resume = (more: object) =>
    LogState.resume(checkpointOf(state, more), state.last(), state.frontier());
  throwsCode(() => resume({ next: 4n }), 'malformed');
  throwsCode(() => resume({ first: 3n }), 'malformed');
  const one = encodeEntry({ ...decodeEntry(madeLog(1).last()), previous: hashOf(1) });
  const chain = leafHash(one);
  const checkpoint = checkpointOf(madeLog(1), { chain, root: chain });
  throwsCode(() => LogState.resume(checkpoint, one, chain), 'malformed');
});

test('entries: any that is taken is the one of its fields', () => {
  const entry = madeLog(5).last();
  assert.equal(entry.length, ENTRY_LENGTH);
  let accepted = 0;
  for (const bytes of mutations(entry)) {
    const fields = attempt(() => decodeEntry(bytes));
    if (fields === null) continue;
    accepted++;
    assert.deepEqual(new Uint8Array(encodeEntry(fields)), bytes);
  }
  assert.ok(accepted > 80 * 8);
  const fields = decodeEntry(entry);
  for (const offset of [-1n, 1n << 63n])
    throwsCode(() => encodeEntry({ ...fields, offset }), 'malformed');
  for (const timestamp of [1n << 63n, -(1n << 63n) - 1n]) {
    throwsCode(() => encodeEntry({ ...fields, timestamp }), 'malformed');
  }
});
