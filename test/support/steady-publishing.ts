import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Publisher, publisher } from '../../producer/publisher.js';
import type { Stream } from '../../stream/stream.js';
import type { ReplayedLine } from './ledger-desk.js';

const TENANTS = 24;
const PAUSE_MS = 20;

interface Told {
  readonly tenant: number;
  readonly partition: number;
  readonly offset: bigint;
  readonly eventId: string;
}

/** Publishes one event per tenant, turn after turn, until it is stopped; keeps what it was told. */
export class SteadyPublishing {
  readonly #to: Publisher;
  readonly #told: Told[] = [];
  readonly #done: Promise<void>;
  #stopped = false;

  private constructor(to: Publisher) {
    this.#to = to;
    this.#done = this.#run();
    // Reported by whoever stops it.
    this.#done.catch(() => {});
  }

  static async start(stream: Stream, topic: string): Promise<SteadyPublishing> {
    return new SteadyPublishing(await publisher({ stream, topic, source: '/test/steady' }));
  }

  get acknowledged(): number {
    return this.#told.length;
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped) {
        await Promise.all(Array.from({ length: TENANTS }, (_, tenant) => this.#publish(tenant)));
        await sleep(PAUSE_MS);
      }
    } finally {
      await this.#to.close();
    }
  }

  async #publish(tenant: number): Promise<void> {
    const event = { tenant_id: `tenant-${tenant}`, action: 'test', actor: { id: 'a' } };
    const { partition, offset, event_id } = await this.#to.publish(event);
    this.#told.push({ tenant, partition, offset, eventId: event_id });
  }

  /** Rejects where any event was not acknowledged. */
  stop(): Promise<void> {
    this.#stopped = true;
    return this.#done;
  }

  /** Every event was acknowledged where it is, once, in the order of its tenant, and no other is. */
  check(replayed: readonly ReplayedLine[]): void {
    const places = new Map<string, string | undefined>();
    for (const { partition, offset, event } of replayed) {
      places.set(`${partition}/${offset}`, event?.event_id);
    }
    assert.equal(places.size, replayed.length);
    assert.equal(replayed.length, this.#told.length);
    const last = new Map<number, bigint>();
    for (const { tenant, partition, offset, eventId } of this.#told) {
      assert.equal(places.get(`${partition}/${offset}`), eventId);
      assert.ok(offset > (last.get(tenant) ?? -1n), `tenant ${tenant} at offset ${offset}`);
      last.set(tenant, offset);
    }
  }
}
