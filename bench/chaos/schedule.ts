/**
 * What goes wrong, in which order and for how long, from the seed alone: three sequences that run
 * beside each other. When a broker is ready again depends on the machine, so the moments do not
 * repeat, but the faults do.
 */
import { Random } from './random.js';

interface Timed {
  /** Pause before it, after the one before it was healed (brokers, processes) or done (connections). */
  readonly gapMs: number;
  /** How long it lasts. */
  readonly forMs: number;
}

export interface BrokerFault extends Timed {
  /** kill: SIGKILL; freeze: SIGSTOP and SIGCONT; restart: SIGTERM. */
  readonly kind: 'kill' | 'freeze' | 'restart';
  /** From 1. */
  readonly broker: number;
}

/**
 *   cut-one      one connection is reset
 *   cut-all      all connections of a broker are reset
 *   lose-answer  what the broker answers next is not passed on, and the connection reset
 *   tear-answer  half of what the broker answers next is passed on, then the connection is reset
 *   tear-request the same with what is asked next
 *   delay        everything arrives `delayMs` later, both ways
 *   stall        nothing is passed on, and connections stay open
 *   refuse       the same as cut-all, and new connections are reset
 */
export interface ConnectionFault extends Timed {
  readonly kind:
    | 'cut-one'
    | 'cut-all'
    | 'lose-answer'
    | 'tear-answer'
    | 'tear-request'
    | 'delay'
    | 'stall'
    | 'refuse';
  readonly broker: number;
  readonly delayMs: number;
  /** lose-answer, tear-*: connections that have carried Produce only. */
  readonly onlyProduce: boolean;
}

export interface ProcessFault extends Timed {
  readonly kind: 'kill' | 'freeze';
  readonly role: 'publisher' | 'sealer';
  /** From 0; modulo how many there are. */
  readonly index: number;
}

/** Shorter and longer than a broker's session with the controller (4 s). */
const BROKER_FREEZES = { short: [500, 3000], long: [5000, 12_000] } as const;
/** Shorter and longer than a group session (10 s). */
const PROCESS_FREEZES = { short: [500, 5000], long: [11_000, 16_000] } as const;

export function* brokerFaults(seed: number, brokers: number): Generator<BrokerFault, never> {
  const random = new Random(seed, 0);
  for (;;) {
    const kind = random.pick({ kill: 4, freeze: 4, restart: 2 });
    const [low, high] = BROKER_FREEZES[random.pick({ short: 1, long: 1 })];
    const forMs = kind === 'freeze' ? random.whole(low, high) : random.whole(0, 5000);
    yield { kind, broker: random.whole(1, brokers), forMs, gapMs: random.whole(1000, 4000) };
  }
}

export function* connectionFaults(
  seed: number,
  brokers: number,
): Generator<ConnectionFault, never> {
  const random = new Random(seed, 1);
  for (;;) {
    yield {
      kind: random.pick({
        'cut-one': 4,
        'cut-all': 3,
        'lose-answer': 4,
        'tear-answer': 3,
        'tear-request': 3,
        delay: 2,
        stall: 1,
        refuse: 1,
      }),
      broker: random.whole(1, brokers),
      delayMs: random.whole(20, 800),
      forMs: random.whole(500, 6000),
      gapMs: random.whole(300, 2500),
      onlyProduce: random.next() < 0.6,
    };
  }
}

export function* processFaults(seed: number): Generator<ProcessFault, never> {
  const random = new Random(seed, 2);
  for (;;) {
    const kind = random.pick({ kill: 3, freeze: 1 });
    const [low, high] = PROCESS_FREEZES[random.pick({ short: 1, long: 1 })];
    yield {
      kind,
      role: random.pick({ publisher: 1, sealer: 1 }),
      index: random.whole(0, 99),
      forMs: kind === 'freeze' ? random.whole(low, high) : random.whole(0, 4000),
      gapMs: random.whole(3000, 9000),
    };
  }
}
