/** The report of `verify` for a person. */
import Table from 'cli-table3';
import type { Verdict } from '../consumer/verdict.js';
import type { PartitionReport, Report } from '../consumer/verify/report.js';
import { configurationLines } from './configuration-report.js';
import { counted, printable } from './output.js';
import { paint } from './paint.js';

const COLOURS: Record<Verdict, (text: string) => string> = {
  intact: paint.green,
  tampered: paint.red,
  incomplete: paint.yellow,
  unchecked: paint.yellow,
};

const MEANINGS: Record<Verdict, string> = {
  intact: 'INTACT: every sealed record is as it was when it was signed',
  tampered: 'TAMPERED: what was signed is not what is there',
  incomplete: 'INCOMPLETE: something that should be signed is missing or too old',
  unchecked: 'COULD NOT CHECK: this is no statement about the log',
};

/** With --only-new not every sealed record was read, and so nothing is said of every one. */
const INTACT_SINCE =
  'INTACT SINCE: every record that is later than what was accepted is as it was when it was signed';

function rows(partitions: readonly PartitionReport[]): string {
  const table = new Table({
    head: ['topic', 'partition', 'verdict', 'sealed', 'checkpoints', 'unsealed', 'last sealed'],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'right', 'left', 'right', 'right', 'right', 'left'],
  });
  for (const { topic, partition, verdict, sealed, verified, unsealed } of partitions) {
    table.push([
      topic,
      String(partition),
      COLOURS[verdict](verdict),
      sealed === null ? 'nothing' : counted(sealed.size, 'record'),
      String(verified.checkpoints),
      String(unsealed.records),
      sealed?.time ?? '',
    ]);
  }
  return table.toString();
}

function range(from: bigint | null, to: bigint | null): string {
  if (from === null && to === null) return '';
  return ` [offsets ${from ?? '?'} to ${to === null ? '?' : to - 1n}]`;
}

function findings(partitions: readonly PartitionReport[]): string[] {
  return partitions.flatMap(({ topic, partition, findings }) =>
    findings.map(
      ({ code, message, from, to }) =>
        `  ${paint.bold(code)} ${topic}/${partition}${range(from, to)}: ${printable(message)}`,
    ),
  );
}

/**
 * Several lines; `memory`: a verifier's memory was held against the log; `onlyNew`: and what it had
 * accepted was not read again.
 */
export function renderReport(report: Report, memory: boolean, onlyNew: boolean): string {
  const lines = [`${report.ledger}`];
  const { configuration } = report;
  const own = configuration?.log ?? null;
  const logs = own === null ? report.partitions : [own, ...report.partitions];
  if (logs.length > 0) lines.push(rows(logs));
  lines.push(...findings(logs));
  if (configuration !== null) lines.push(...configurationLines(configuration));
  const meaning = onlyNew && report.verdict === 'intact' ? INTACT_SINCE : MEANINGS[report.verdict];
  lines.push(
    COLOURS[report.verdict](meaning) +
      ` (${counted(report.records, 'record')} verified in ${report.seconds.toFixed(2)} s)`,
  );
  if (report.probes > 0) {
    const sought = counted(report.probes, 'place');
    lines.push(
      paint.dim(`Sought ${sought} once more, as a reader does who does not begin at the start.`),
    );
  }
  if (onlyNew) {
    lines.push(
      paint.dim(
        'What was accepted before was not read again: without --only-new every record is read.',
      ),
    );
  }
  if (!memory) {
    lines.push(
      paint.dim(
        'Without --memory, a log rolled back together with its checkpoints cannot be told from a ' +
          'younger one.',
      ),
    );
  }
  return lines.join('\n');
}
