/**
 * The steps from reading a record to a settled checkpoint, in order. A process may die after any of
 * them, and the next one goes on to the same chain; tests kill it at each.
 */
export const STEPS = [
  /** Memory, published head and last sealed record agree; sealing goes on from them. */
  'recovered',
  /** A batch has arrived; nothing of it is hashed yet. */
  'read',
  /** The batch is in the chain of this process. */
  'chained',
  /** A checkpoint is signed and known to nobody. */
  'signed',
  /** It is in the memory, not published. */
  'recorded',
  /** It is published; the memory does not know that yet. */
  'published',
  /** The memory knows. */
  'settled',
] as const;

export type Step = (typeof STEPS)[number];

export interface StepContext {
  readonly topic: string;
  readonly partition: number;
  /** Records in the chain of this process at this step. */
  readonly size: bigint;
}

export type StepHook = (step: Step, context: StepContext) => Promise<void> | void;
