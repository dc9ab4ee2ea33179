import { Counter, Gauge, Registry } from 'prom-client';
import { having } from '../ledger/given.js';
import type { LogReport } from './log-report.js';
import { REFUSAL_REASONS } from './refusal.js';
import type { Sealer } from './sealer.js';

const PER_LOG = ['topic', 'partition'] as const;

/** Everything is read from the sealer's own report when it is scraped; nothing is counted twice. */
export function sealerMetrics(sealer: Sealer): Registry {
  having<Sealer>('a sealer', 'report', 'problems')(sealer, 'sealerMetrics: the argument');
  const registry = new Registry();
  const counter = (name: string, help: string, value: (log: LogReport) => number): void => {
    const metric: Counter<'topic' | 'partition'> = new Counter({
      name,
      help,
      labelNames: PER_LOG,
      registers: [registry],
      collect: () => {
        metric.reset();
        for (const log of sealer.report()) metric.inc(labelsOf(log), value(log));
      },
    });
  };
  const gauge = (name: string, help: string, value: (log: LogReport) => number | null): void => {
    const metric: Gauge<'topic' | 'partition'> = new Gauge({
      name,
      help,
      labelNames: PER_LOG,
      registers: [registry],
      collect: () => {
        metric.reset();
        for (const log of sealer.report()) {
          const now = value(log);
          if (now !== null) metric.set(labelsOf(log), now);
        }
      },
    });
  };
  counter('sealstream_sealed_records_total', 'Records sealed by this process.', (log) =>
    Number(log.totals.records),
  );
  counter(
    'sealstream_sealed_bytes_total',
    'Bytes of record bodies sealed by this process.',
    (log) => Number(log.totals.bytes),
  );
  counter(
    'sealstream_checkpoints_total',
    'Checkpoints published by this process.',
    (log) => log.totals.checkpoints,
  );
  gauge('sealstream_lag_records', 'Offsets from the head to the end of the log.', (log) =>
    log.lagRecords === null ? null : Number(log.lagRecords),
  );
  gauge(
    'sealstream_lag_seconds',
    'Seconds for which the log has held something unsealed.',
    (log) => log.lagSeconds,
  );
  gauge(
    'sealstream_head_age_seconds',
    'Seconds since the head checkpoint was signed; below 0: it is dated in the future.',
    (log) => log.headAgeSeconds,
  );
  gauge('sealstream_outage', '1 while the log waits out an outage.', (log) =>
    log.waiting === null ? 0 : 1,
  );
  addRefusals(registry, sealer);
  return registry;
}

function labelsOf(log: LogReport): { topic: string; partition: string } {
  return { topic: log.topic, partition: String(log.partition) };
}

/** One series per reason, 0 included: an alert can then be written before anything has happened. */
function addRefusals(registry: Registry, sealer: Sealer): void {
  const refused: Gauge<'reason'> = new Gauge({
    name: 'sealstream_refused_logs',
    help: 'Logs that this process refuses to seal, by reason.',
    labelNames: ['reason'],
    registers: [registry],
    collect: () => {
      const logs = sealer.report();
      for (const reason of REFUSAL_REASONS) {
        refused.set({ reason }, logs.filter((log) => log.refusal?.reason === reason).length);
      }
    },
  });
}
