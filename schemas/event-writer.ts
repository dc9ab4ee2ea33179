import type { RecordModel } from './model.js';
import { isAction, isAttributeKey, isIndex } from './rules.js';
import type { Scratch } from './scratch.js';
import { recordWriter, type Ways } from './write.js';

/** What the publisher puts for the caller's; `given` is undefined where there is nothing. */
export interface Filling {
  event_id(given: unknown): unknown;
  occurred_at(given: unknown): unknown;
  /** `source`: what the event names, else empty. */
  origin(source: string): unknown;
}

/**
 * Checks an event, fills in what the publisher fills and writes it with its header, in one pass over
 * the caller's object: each value is read once, and what else is needed of them is kept here. One
 * event at a time: a getter may write another one while this one is read.
 */
export class EventWriter {
  /** As they were read from the event written last, whose types are right. */
  tenant: unknown;
  actor: unknown;
  action: unknown;
  source: unknown;
  traceparent: unknown;
  #resources = 0;
  #highest = 0;
  readonly #header: Uint8Array;
  readonly #write: (value: unknown, out: Scratch) => boolean;

  constructor(model: RecordModel, header: Uint8Array, filling: Filling) {
    this.#header = header;
    const told = this.#told();
    const fill = new Map<string, (given: unknown) => unknown>([
      ['/event_id', (given) => filling.event_id(given)],
      ['/occurred_at', (given) => filling.occurred_at(given)],
      ['/origin', () => filling.origin(typeof this.source === 'string' ? this.source : '')],
    ]);
    // The attributes are the only map.
    this.#write = recordWriter(model, { allowsKey: isAttributeKey, told, fill });
  }

  /** false: fillEvent has to say why, or do it; `out` is to be reset. */
  write(input: unknown, out: Scratch): boolean {
    this.tenant = undefined;
    this.actor = undefined;
    this.source = undefined;
    this.traceparent = undefined;
    this.#resources = 0;
    this.#highest = 0;
    out.raw(this.#header);
    try {
      return this.#write(input, out) && isIndex(this.#highest, this.#resources);
    } catch {
      // Code of the caller's, a getter or a proxy: the slow way names the field and keeps what it threw.
      return false;
    }
  }

  #told(): Ways['told'] {
    return new Map<string, (value: unknown) => boolean>([
      [
        '/tenant_id',
        (value) => {
          this.tenant = value;
          return true;
        },
      ],
      [
        '/actor/id',
        (value) => {
          this.actor = value;
          return true;
        },
      ],
      [
        '/action',
        (value) => {
          this.action = value;
          return isAction(value);
        },
      ],
      [
        '/context/traceparent',
        (value) => {
          this.traceparent = value;
          return true;
        },
      ],
      [
        '/origin/source',
        (value) => {
          this.source = value;
          return true;
        },
      ],
      // Every resource has one.
      ['/resources/[]/type', () => this.#resources++ >= 0],
      ['/changes/[]/resource', (value) => this.#pointAt(value ?? 0)],
    ]);
  }

  #pointAt(resource: unknown): boolean {
    if (typeof resource !== 'number' || !(resource >= 0)) return false;
    if (resource > this.#highest) this.#highest = resource;
    return true;
  }
}
