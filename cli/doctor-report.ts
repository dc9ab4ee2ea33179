/** A diagnosis as people and machines read it. */
import type { Severity } from '../policy/catalogue/entry.js';
import type { CheckOutcome, Diagnosis, DoctorFinding, Unseen } from '../policy/doctor/finding.js';
import { counted, printable } from './output.js';
import { paint } from './paint.js';

const HEADINGS: readonly (readonly [Severity, string, (text: string) => string])[] = [
  ['error', 'ERRORS', paint.red],
  ['warning', 'WARNINGS', paint.yellow],
  ['note', 'NOTES', paint.dim],
];

/** Text of a cluster on one line. */
function oneLine(text: string): string {
  return printable(text).replaceAll('\n', ' ');
}

function found({ found: value, expected }: DoctorFinding): string {
  const is = value === null ? 'absent' : value;
  return oneLine(expected === null ? is : `${is}; expected ${expected}`);
}

function findingLines(finding: DoctorFinding): string[] {
  const { code, subject, partition, why, remedy, waiver } = finding;
  const where = partition === null ? '' : subject.includes('partition') ? '' : `/${partition}`;
  const lines = [`  ${paint.bold(code)}  ${oneLine(subject)}${where}: ${found(finding)}`];
  if (waiver === null) lines.push(`    why     ${why}`, `    remedy  ${oneLine(remedy)}`);
  else lines.push(`    waived  until ${waiver.until}: ${oneLine(waiver.reason)}`);
  return lines;
}

function unseenLines(outcomes: readonly CheckOutcome[]): string[] {
  const checks = new Map<string, { readonly unseen: Unseen; readonly names: string[] }>();
  for (const { check, unseen } of outcomes) {
    for (const each of unseen) {
      const key = JSON.stringify(each);
      const known = checks.get(key);
      if (known === undefined) checks.set(key, { unseen: each, names: [check] });
      else known.names.push(check);
    }
  }
  return [...checks.values()].flatMap(({ unseen, names }) => [
    `  ${oneLine(unseen.subject)}: ${oneLine(unseen.message)}`,
    `    checks  ${names.join(', ')}`,
    `    remedy  ${oneLine(unseen.remedy)}`,
  ]);
}

export function diagnosisLines({ outcomes, findings }: Diagnosis): string[] {
  const lines = HEADINGS.flatMap(([severity, heading, paint]) => {
    const own = findings.filter((finding) => finding.severity === severity);
    return own.length === 0 ? [] : [paint(heading), ...own.flatMap(findingLines), ''];
  });
  const unseen = unseenLines(outcomes);
  if (unseen.length > 0) lines.push(paint.yellow('COULD NOT CHECK'), ...unseen, '');
  return [...lines, countsLine({ outcomes, findings })];
}

function countsLine({ outcomes, findings }: Diagnosis): string {
  const [errors, warnings, notes] = (['error', 'warning', 'note'] as const).map((severity) =>
    counted(findings.filter((finding) => finding.severity === severity).length, severity),
  );
  const ran = outcomes.filter((outcome) => outcome.ran).length;
  const could = ran === outcomes.length ? '' : `, ${outcomes.length - ran} could not`;
  return `${errors}, ${warnings}, ${notes}; ${counted(ran, 'check')} ran${could}`;
}

export function diagnosisJson(
  { outcomes, findings }: Diagnosis,
  about: { readonly stream: string; readonly ledger: string; readonly hash: string },
): object {
  const checks = outcomes.map(({ check, ran, unseen, findings: own }) => {
    return { check, ran, unseen, findings: own.length };
  });
  return { ...about, checks, findings };
}
