import { SealstreamError } from '../../../ledger/error.js';
import { stampProducer } from '../../batch/stamp.js';
import type { AppendOutcome, EncodedBatch } from '../../stream.js';
import { Witnesses } from './acknowledged-batches.js';
import { type LaneEvent, type LaneState, TRANSITIONS } from './append-rules.js';

/** Sequences count records modulo this. */
const SEQUENCES = 2 ** 31;
const LAST_EPOCH = 0x7fff;

export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** What a broker remembers a batch by, and what its header in the log says. */
export interface BatchIdentity extends ProducerIdentity {
  readonly baseSequence: number;
  readonly count: number;
}

/** One append, from the call to its outcome. */
export interface PendingAppend {
  readonly batch: EncodedBatch;
  /** Settles the caller's promise. */
  readonly settle: (outcome: AppendOutcome) => void;
}

/** A batch whose append ended as unknown, until a read tells what became of it. */
export interface OpenBatch {
  readonly batch: EncodedBatch;
  readonly identity: BatchIdentity;
  /** A later epoch of its producer id shuts it out; else it may come into the log yet. */
  readonly fenced: boolean;
}

/** Batches to look for in [from, until); `from` null: nothing was acknowledged before them. */
export interface Inquiry {
  readonly partition: number;
  readonly from: bigint | null;
  /** Base offset of the fence: after it none that is fenced can be written any more. */
  readonly until: bigint;
  readonly batches: readonly OpenBatch[];
}

interface Frozen {
  readonly pending: PendingAppend;
  readonly identity: BatchIdentity;
  readonly bytes: Uint8Array;
  /** An attempt may have been written. */
  open: boolean;
}

export interface EventDetail {
  /** Why, for every event that can end an append other than `acknowledged`. */
  readonly error?: SealstreamError;
  readonly acknowledged?: { readonly baseOffset: bigint; readonly timestamp: bigint | null };
}

/**
 * One partition of an appender: its queue, its producer epoch and sequence, and the one batch that
 * is frozen. All it knows of time and network comes as events; TRANSITIONS says what they do.
 */
export class Lane {
  readonly partition: number;
  readonly #witnesses = new Witnesses();
  readonly #queue: PendingAppend[] = [];
  #state: LaneState = 'idle';
  #producerId: bigint;
  #epoch: number;
  #epochsUsedUp = false;
  #nextSequence = 0;
  #frozen: Frozen | null = null;
  #acknowledgedEnd: bigint | null = null;
  #openBatches: OpenBatch[] = [];
  #stoppedBy: SealstreamError | null = null;
  /** Attempts of the frozen batch that did not end it. */
  attempts = 0;

  constructor(partition: number, producer: ProducerIdentity) {
    this.partition = partition;
    this.#producerId = producer.producerId;
    this.#epoch = producer.producerEpoch;
  }

  get state(): LaneState {
    return this.#state;
  }

  /** The frozen bytes, while there are any. */
  get bytes(): Uint8Array | null {
    return this.#frozen?.bytes ?? null;
  }

  /** First offset after what was acknowledged; null: nothing was. */
  get acknowledgedEnd(): bigint | null {
    return this.#acknowledgedEnd;
  }

  get witnesses(): Witnesses {
    return this.#witnesses;
  }

  /** The epochs of the producer id are used up, and batches wait: see `renew`. */
  get needsProducer(): boolean {
    return this.#state === 'idle' && this.#epochsUsedUp && this.#queue.length > 0;
  }

  /** Goes on under a producer id that nobody had before. */
  renew({ producerId, producerEpoch }: ProducerIdentity): void {
    this.#producerId = producerId;
    this.#epoch = producerEpoch;
    this.#nextSequence = 0;
    this.#epochsUsedUp = false;
  }

  /** Nothing more is frozen; a batch that is frozen already gets its outcome. */
  halt(error: SealstreamError): void {
    this.#stoppedBy = error;
    this.#rejectQueue(error);
  }

  enqueue(pending: PendingAppend): void {
    this.#queue.push(pending);
    if (this.#stoppedBy !== null) this.#rejectQueue(this.#stoppedBy);
  }

  /** Freezes the next batch where the lane is idle and has one. */
  advance(): void {
    if (this.#state !== 'idle' || this.#epochsUsedUp) return;
    const pending = this.#queue.shift();
    if (pending === undefined) return;
    const identity: BatchIdentity = {
      producerId: this.#producerId,
      producerEpoch: this.#epoch,
      baseSequence: this.#nextSequence,
      count: pending.batch.count,
    };
    this.attempts = 0;
    this.#frozen = {
      pending,
      identity,
      bytes: stampProducer(pending.batch, identity),
      open: false,
    };
    this.apply('frozen');
  }

  /** The deadline of one append has passed. */
  expire(pending: PendingAppend, error: (sent: boolean) => SealstreamError): void {
    if (this.#frozen?.pending === pending) {
      this.apply('expired', { error: error(this.#frozen.open || this.#state === 'sent') });
      return;
    }
    const place = this.#queue.indexOf(pending);
    if (place < 0) return;
    this.#queue.splice(place, 1);
    pending.settle({ kind: 'rejected', error: error(false) });
  }

  /**
   * Takes one transition. The answer is the inquiry that an acknowledgement makes possible: it is
   * the fence behind batches that ended as unknown.
   */
  apply(event: LaneEvent, detail: EventDetail = {}): Inquiry | null {
    const transition = TRANSITIONS[this.#state][event];
    if (transition === undefined) {
      throw new SealstreamError(
        'internal',
        `partition ${this.partition}: ${event} in state ${this.#state}: please report this`,
      );
    }
    const move = this.#frozen?.open === true ? transition.open : transition.fresh;
    this.#state = move.to;
    if (move.opens && this.#frozen !== null) this.#frozen.open = true;
    if (move.to === 'waiting') this.attempts += 1;
    const inquiry = move.ends === null ? null : this.#end(move.ends, detail);
    if (move.to === 'stopped') this.#stop(detail.error);
    return inquiry;
  }

  #end(ends: AppendOutcome['kind'], detail: EventDetail): Inquiry | null {
    const frozen = this.#frozen;
    if (frozen === null) throw new SealstreamError('internal', `${ends}, and nothing is frozen`);
    this.#frozen = null;
    if (ends === 'acknowledged' && detail.acknowledged !== undefined) {
      frozen.pending.settle({ kind: 'acknowledged', ...detail.acknowledged });
      return this.#acknowledge(frozen.identity, detail.acknowledged.baseOffset);
    }
    const error = detail.error ?? new SealstreamError('internal', `${ends} without a reason`);
    if (ends === 'unknown') this.#fence(frozen);
    frozen.pending.settle({ kind: ends === 'unknown' ? 'unknown' : 'rejected', error });
    return null;
  }

  #acknowledge(identity: BatchIdentity, baseOffset: bigint): Inquiry | null {
    const from = this.#acknowledgedEnd;
    const batches = this.#openBatches;
    if (from === null || baseOffset >= from) {
      this.#witnesses.add({ identity, baseOffset, after: from ?? baseOffset });
    }
    // With a new producer id at hand only after the last epoch has fenced the one before.
    if (identity.producerEpoch === LAST_EPOCH) this.#epochsUsedUp = true;
    this.#nextSequence = (identity.baseSequence + identity.count) % SEQUENCES;
    const end = baseOffset + BigInt(identity.count);
    if (from === null || end > from) this.#acknowledgedEnd = end;
    this.#openBatches = [];
    // Where the log went back nothing follows from what is not in it.
    if (batches.length === 0 || (from !== null && baseOffset < from)) return null;
    return { partition: this.partition, from, until: baseOffset, batches };
  }

  /** The sequence range may be in the log: it is never used again, and a later epoch shuts it out. */
  #fence(frozen: Frozen): void {
    const { identity, pending } = frozen;
    this.#openBatches.push({ batch: pending.batch, identity, fenced: true });
    this.#nextSequence = 0;
    if (this.#epoch < LAST_EPOCH) {
      this.#epoch += 1;
      return;
    }
    this.#epochsUsedUp = true;
    this.#openBatches = this.#openBatches.map((each) => ({ ...each, fenced: false }));
  }

  #stop(error: SealstreamError | undefined): void {
    this.#stoppedBy ??= error ?? new SealstreamError('internal', 'stopped without a reason');
    this.#rejectQueue(this.#stoppedBy);
  }

  #rejectQueue(error: SealstreamError): void {
    for (const pending of this.#queue.splice(0)) pending.settle({ kind: 'rejected', error });
  }
}
