import { SealstreamError } from '../ledger/error.js';
import type { Room } from './byte-budget.js';
import type { Learned } from './options.js';

/** Where the stream has the record. */
export interface Placed {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

export interface Published extends Placed {
  readonly event_id: string;
}

/** What all records of one publisher share. */
export interface Shared {
  readonly topic: string;
  readonly room: Room;
  /** The topic has been turned to CreateTime. */
  readonly onUnfit: () => void;
  readonly onLearned: ((learned: Learned) => void) | undefined;
}

/** One record on its way; one is made for each, so no closures. */
export class Pending {
  readonly bytes: number;
  private readonly shared: Shared;
  private readonly event_id: string | null;
  private readonly resolve: (placed: Placed | Published) => void;
  private readonly reject: (error: SealstreamError) => void;
  private partition = -1;

  /** Takes `bytes` of the room until its outcome; `event_id` null: a raw record. */
  constructor(
    shared: Shared,
    bytes: number,
    event_id: string | null,
    resolve: (placed: Placed | Published) => void,
    reject: (error: SealstreamError) => void,
  ) {
    this.shared = shared;
    this.bytes = bytes;
    this.event_id = event_id;
    this.resolve = resolve;
    this.reject = reject;
  }

  /** Before anything else is told. */
  placeIn(partition: number): void {
    this.partition = partition;
  }

  /** Either this or `failed`, exactly once. */
  acknowledged(offset: bigint, timestamp: bigint | null): void {
    const { shared, event_id, partition } = this;
    const { topic } = shared;
    if (timestamp === null) shared.onUnfit();
    shared.room.give(this.bytes);
    if (event_id === null) this.resolve({ topic, partition, offset });
    else this.resolve({ event_id, topic, partition, offset });
  }

  failed(error: SealstreamError): void {
    const { shared, event_id, partition } = this;
    shared.room.give(this.bytes);
    const what = event_id === null ? 'record' : `event ${event_id}`;
    const message = `${what}, topic ${shared.topic} partition ${partition}: ${error.message}`;
    this.reject(new SealstreamError(error.code, message, { cause: error }));
  }

  /** After `failed` with outcome-unknown, where it could be found out; null: not in the log. */
  learned(offset: bigint | null): void {
    const { shared, event_id, partition } = this;
    shared.onLearned?.({ event_id, topic: shared.topic, partition, offset });
  }
}
