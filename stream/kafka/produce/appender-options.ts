import type { AppenderOptions, Logger } from '../../stream.js';

export interface KafkaAppenderOptions extends AppenderOptions {
  /** Pause before the first resend, less up to half of it by chance; it doubles up to two seconds.
   * Default 100 ms. */
  readonly pauseMs?: number;
  /** How often the leaders are looked at, also while nothing is appended: one that changed may have
   * lost what was acknowledged. Less up to half of it by chance. Default 10 000 ms. */
  readonly lookMs?: number;
  /** After a change of leader: see LossWatch. Default 30 000 ms. */
  readonly patienceMs?: number;
  readonly logger?: Logger | null;
}
