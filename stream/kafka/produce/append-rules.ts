/**
 * What becomes of a batch: the states of one partition's lane, every event that can meet it in each,
 * and the error codes of Produce by the event that they are. A batch is encoded once and re-sent
 * byte for byte while its outcome is open.
 */
import type { ErrorCode } from '../../../ledger/error.js';

/**
 *   idle       no batch is frozen
 *   ready      a batch is frozen and waits for its turn on the leader's connection
 *   sent       its request is under way
 *   waiting    a pause and a look at the metadata before it is sent again
 *   abandoned  reported as unknown while its request is still under way
 *   stopped    nothing is written to this partition any more
 */
export type LaneState = 'idle' | 'ready' | 'sent' | 'waiting' | 'abandoned' | 'stopped';

/**
 *   frozen       the next batch got its producer epoch and sequence
 *   taken        it went into a request
 *   rested       the pause is over
 *   acknowledged error 0, for a verbatim resend too
 *   unanswered   the network, a timeout or an error code that leaves the outcome open
 *   unsent       it is certain that the broker wrote nothing of this attempt
 *   unusable     likewise, and trying again cannot help
 *   refused      the broker refused this attempt for what it is
 *   vanished     the broker's memory of this producer contradicts what it acknowledged
 *   recreated    the topic now has another id
 *   misplaced    acknowledged by name, perhaps in another life of the topic
 *   regressed    acknowledged at an offset that was acknowledged before: what was there is gone
 *   unlisted     an error code that no rule knows
 *   expired      the deadline has passed
 */
export type LaneEvent =
  | 'frozen'
  | 'taken'
  | 'rested'
  | 'acknowledged'
  | 'unanswered'
  | 'unsent'
  | 'unusable'
  | 'refused'
  | 'vanished'
  | 'recreated'
  | 'misplaced'
  | 'regressed'
  | 'unlisted'
  | 'expired';

interface Move {
  readonly to: LaneState;
  /** How the append ends, if it does. After `unknown` the next batch has epoch + 1, sequence 0. */
  readonly ends: 'acknowledged' | 'rejected' | 'unknown' | null;
  /** From here on the batch may be in the log. */
  readonly opens: boolean;
}

/** `fresh`: no earlier attempt may have been written; `open`: one may. */
export interface Transition {
  readonly fresh: Move;
  readonly open: Move;
}

const move = (to: LaneState, ends: Move['ends'] = null, opens = false): Move => {
  return { to, ends, opens };
};
const both = (each: Move): Transition => ({ fresh: each, open: each });

const RETRY = move('waiting');
const RETRY_OPEN = move('waiting', null, true);
const REJECT = move('idle', 'rejected');
const FENCE = move('idle', 'unknown');
const REJECT_AND_STOP = move('stopped', 'rejected');
const UNKNOWN_AND_STOP = move('stopped', 'unknown');

// A refusal of a resend says nothing about the attempts before it, hence the second column.
const BETWEEN_ATTEMPTS = {
  unusable: { fresh: REJECT, open: RETRY },
  recreated: { fresh: REJECT_AND_STOP, open: UNKNOWN_AND_STOP },
  expired: { fresh: REJECT, open: FENCE },
};

/** State × event. What is not here cannot happen, and is an error in this code. */
export const TRANSITIONS: Readonly<
  Record<LaneState, Readonly<Partial<Record<LaneEvent, Transition>>>>
> = {
  idle: { frozen: both(move('ready')), recreated: both(move('stopped')) },
  ready: { ...BETWEEN_ATTEMPTS, taken: both(move('sent')), unsent: both(RETRY) },
  waiting: { ...BETWEEN_ATTEMPTS, rested: both(move('ready')) },
  sent: {
    acknowledged: both(move('idle', 'acknowledged')),
    unanswered: both(RETRY_OPEN),
    unsent: both(RETRY),
    unusable: { fresh: REJECT, open: RETRY },
    refused: { fresh: REJECT, open: RETRY },
    vanished: { fresh: REJECT_AND_STOP, open: UNKNOWN_AND_STOP },
    misplaced: both(UNKNOWN_AND_STOP),
    regressed: both(move('stopped', 'acknowledged')),
    unlisted: both(FENCE),
    expired: both(move('abandoned', 'unknown')),
  },
  abandoned: {
    acknowledged: both(move('idle')),
    unanswered: both(move('idle')),
    unsent: both(move('idle')),
    unusable: both(move('idle')),
    refused: both(move('idle')),
    vanished: both(move('stopped')),
    recreated: both(move('stopped')),
    misplaced: both(move('stopped')),
    regressed: both(move('stopped')),
    unlisted: both(move('idle')),
  },
  stopped: { recreated: both(move('stopped')) },
};

export interface CodeRule {
  readonly event: LaneEvent;
  readonly code: ErrorCode;
  readonly advice: string;
}

const open = (code: ErrorCode): CodeRule => ({ event: 'unanswered', code, advice: '' });
const refused = (code: ErrorCode, advice: string): CodeRule => ({ event: 'refused', code, advice });
const vanished = (name: string): CodeRule => ({
  event: 'vanished',
  code: 'acknowledged-lost',
  advice:
    `${name}: records that this broker acknowledged before are not in its log; nothing more is ` +
    'written to this partition: keep the disks of its replicas and verify the ledger',
});

const TOO_LARGE = "raise the topic's max.message.bytes, or make the record smaller";

/** Error codes of Produce, except 0. */
export const CODE_RULES: ReadonlyMap<number, CodeRule> = new Map([
  [2, open('busy')],
  [3, open('not-leader')],
  [5, open('not-leader')],
  [6, open('not-leader')],
  [7, open('busy')],
  [13, open('unreachable')],
  [19, open('busy')],
  [20, open('busy')],
  [56, open('not-leader')],
  // A leader that knows no such topic id has written nothing.
  [100, { event: 'unsent', code: 'not-leader', advice: '' }],
  [10, refused('record-too-large', TOO_LARGE)],
  [17, refused('record-rejected', 'the topic cannot be written to')],
  [18, refused('record-too-large', TOO_LARGE)],
  [29, refused('unauthorized', 'grant Write on the topic')],
  [32, refused('record-rejected', "the timestamp is outside the topic's limits")],
  [87, refused('record-rejected', 'the topic accepts no such record')],
  [45, vanished('OUT_OF_ORDER_SEQUENCE_NUMBER')],
  [47, vanished('INVALID_PRODUCER_EPOCH')],
  [59, vanished('UNKNOWN_PRODUCER_ID')],
  [90, vanished('PRODUCER_FENCED')],
]);
