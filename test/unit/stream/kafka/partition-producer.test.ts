import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SealstreamError } from '../../../../ledger/error.js';
import { readBatchHeader } from '../../../../stream/batch/layout.js';
import {
  CODE_RULES,
  type LaneEvent,
  type LaneState,
  TRANSITIONS,
} from '../../../../stream/kafka/produce/append-rules.js';
import {
  type EventDetail,
  type Inquiry,
  Lane,
} from '../../../../stream/kafka/produce/partition-producer.js';
import type { AppendOutcome } from '../../../../stream/stream.js';
import { batchOf } from './scripted-broker.js';

const PRODUCER = { producerId: 7n, producerEpoch: 0 };
const ERROR = new SealstreamError('outcome-unknown', 'as told');

/** epoch and base sequence that the frozen batch carries. */
function stamp(lane: Lane): [number, number] {
  const bytes = lane.bytes ?? assert.fail('nothing is frozen');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return [view.getInt16(51), view.getInt32(53)];
}

function append(lane: Lane, count = 1): AppendOutcome[] {
  const outcomes: AppendOutcome[] = [];
  const batch = { bytes: batchOf('<x>').bytes, count };
  lane.enqueue({ batch, settle: (outcome) => outcomes.push(outcome) });
  lane.advance();
  return outcomes;
}

function acknowledge(lane: Lane, baseOffset = 0n): Inquiry | null {
  lane.apply('taken');
  return lane.apply('acknowledged', { acknowledged: { baseOffset, timestamp: null } });
}

test('sequences count records and start again after 2^31 − 1', () => {
  const lane = new Lane(0, PRODUCER);
  append(lane, 2 ** 31 - 2);
  acknowledge(lane);
  append(lane, 5);
  assert.deepEqual(stamp(lane), [0, 2 ** 31 - 2]);
  acknowledge(lane);
  append(lane);
  assert.deepEqual(stamp(lane), [0, 3]);
});

test('several unknown batches are asked for together, from the last acknowledgement', () => {
  const lane = new Lane(3, PRODUCER);
  append(lane, 10);
  acknowledge(lane, 100n);
  for (let epoch = 0; epoch < 2; epoch++) {
    append(lane, 4);
    assert.deepEqual(stamp(lane), [epoch, epoch === 0 ? 10 : 0]);
    lane.apply('taken');
    lane.apply('unlisted', { error: ERROR });
  }
  append(lane);
  assert.deepEqual(stamp(lane), [2, 0]);
  const inquiry = acknowledge(lane, 200n);
  assert.equal(inquiry?.from, 110n);
  assert.equal(inquiry.until, 200n);
  const identities = inquiry.batches.map(({ identity }) => identity);
  assert.deepEqual(identities, [
    { producerId: 7n, producerEpoch: 0, baseSequence: 10, count: 4 },
    { producerId: 7n, producerEpoch: 1, baseSequence: 0, count: 4 },
  ]);
  append(lane);
  assert.equal(acknowledge(lane, 201n), null);
});

describe('the last epoch of a producer id', () => {
  const LAST = { producerId: 7n, producerEpoch: 0x7fff };
  const producerIdOf = (lane: Lane) =>
    readBatchHeader(lane.bytes ?? assert.fail('nothing is frozen'), 0)?.producerId;

  test('is a fence only: after its first acknowledgement a new producer id is needed', () => {
    const lane = new Lane(0, { producerId: 7n, producerEpoch: 0x7ffe });
    append(lane);
    lane.apply('taken');
    lane.apply('unlisted', { error: ERROR });
    append(lane);
    assert.deepEqual(stamp(lane), [0x7fff, 0]);
    const fenced = acknowledge(lane, 10n)?.batches.map((each) => each.fenced);
    assert.deepEqual(fenced, [true]);
    assert.equal(lane.needsProducer, false);
    const next = append(lane);
    assert.deepEqual([lane.state, lane.needsProducer], ['idle', true]);
    lane.renew({ producerId: 8n, producerEpoch: 0 });
    lane.advance();
    assert.deepEqual([producerIdOf(lane), stamp(lane)], [8n, [0, 0]]);
    acknowledge(lane, 11n);
    assert.equal(next[0]?.kind, 'acknowledged');
  });

  test('unknown itself: nothing fences it, so that it is absent now means nothing', () => {
    const lane = new Lane(0, LAST);
    const first = append(lane);
    lane.apply('taken');
    lane.apply('unlisted', { error: ERROR });
    assert.equal(first[0]?.kind, 'unknown');
    append(lane);
    assert.equal(lane.needsProducer, true);
    lane.renew({ producerId: 8n, producerEpoch: 0 });
    lane.advance();
    const inquiry = acknowledge(lane, 10n);
    assert.deepEqual(
      inquiry?.batches.map(({ fenced, identity }) => [fenced, identity.producerId]),
      [[false, 7n]],
    );
  });
});

describe('the table', () => {
  const EVENTS: readonly LaneEvent[] = [
    'frozen',
    'taken',
    'rested',
    'acknowledged',
    'unanswered',
    'unsent',
    'unusable',
    'refused',
    'vanished',
    'recreated',
    'misplaced',
    'regressed',
    'unlisted',
    'expired',
  ];
  const ANSWERS: readonly LaneEvent[] = [
    'acknowledged',
    'unanswered',
    'unsent',
    'unusable',
    'refused',
    'vanished',
    'misplaced',
    'regressed',
    'unlisted',
  ];
  const detail = (event: LaneEvent): EventDetail =>
    event === 'acknowledged' || event === 'regressed'
      ? { acknowledged: { baseOffset: 0n, timestamp: null }, error: ERROR }
      : { error: ERROR };
  const PATHS: Readonly<Record<LaneState, readonly LaneEvent[]>> = {
    idle: [],
    ready: ['frozen'],
    sent: ['frozen', 'taken'],
    waiting: ['frozen', 'taken', 'unsent'],
    abandoned: ['frozen', 'taken', 'expired'],
    stopped: ['frozen', 'taken', 'vanished'],
  };

  /** A lane driven to `state`, with one batch unless it is idle. */
  function laneIn(state: LaneState): { lane: Lane; outcomes: AppendOutcome[] } {
    const lane = new Lane(0, PRODUCER);
    const [, ...rest] = PATHS[state];
    const outcomes = state === 'idle' ? [] : append(lane);
    for (const event of rest) lane.apply(event, detail(event));
    assert.equal(lane.state, state);
    return { lane, outcomes };
  }

  test('a request under way or abandoned can be answered in every way', () => {
    for (const state of ['sent', 'abandoned'] as const) {
      for (const event of ANSWERS) assert.ok(TRANSITIONS[state][event], `${state} × ${event}`);
    }
  });

  test('every move does what it says; what is not in the table is an error', () => {
    for (const state of Object.keys(PATHS) as LaneState[]) {
      for (const event of EVENTS) {
        if (event === 'frozen') continue;
        const { lane, outcomes } = laneIn(state);
        const move = TRANSITIONS[state][event]?.fresh;
        const settled = outcomes.length;
        if (move === undefined) {
          assert.throws(() => lane.apply(event, detail(event)), { code: 'internal' });
          continue;
        }
        lane.apply(event, detail(event));
        assert.equal(lane.state, move.to, `${state} × ${event}`);
        assert.equal(outcomes[settled]?.kind ?? null, move.ends, `${state} × ${event}`);
      }
    }
  });

  test('once an attempt may have been written, nothing ends as rejected', () => {
    for (const transitions of Object.values(TRANSITIONS)) {
      for (const { open } of Object.values(transitions)) assert.notEqual(open.ends, 'rejected');
    }
  });

  test('every listed code is an event that a request under way can meet', () => {
    for (const [code, { event }] of CODE_RULES) {
      assert.ok(TRANSITIONS.sent[event], `error ${code}`);
      assert.notEqual(event, 'acknowledged');
    }
  });
});
