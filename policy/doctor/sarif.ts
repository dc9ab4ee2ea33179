/** A diagnosis as SARIF 2.1.0, the form that code-scanning services read. */

import { CATALOGUE, type Code } from '../catalogue/catalogue.js';
import type { Severity } from '../catalogue/entry.js';
import { REMEDIES } from '../catalogue/remedies.js';
import type { Diagnosis, DoctorFinding } from './finding.js';

const SCHEMA =
  'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

export interface SarifSource {
  /** ledger.yaml relative to the root that is scanned, with slashes. */
  readonly file: string;
  readonly version: string;
}

/** Every rule of the catalogue, and one result for each finding. */
export function sarifLog(diagnosis: Diagnosis, source: SarifSource): object {
  const codes = Object.keys(CATALOGUE) as Code[];
  const complete = diagnosis.outcomes.every(({ ran }) => ran);
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'sealstream doctor',
            version: source.version,
            semanticVersion: source.version,
            rules: codes.map(ruleOf),
          },
        },
        invocations: [
          { executionSuccessful: complete, toolExecutionNotifications: notifications(diagnosis) },
        ],
        columnKind: 'utf16CodeUnits',
        results: diagnosis.findings.map((finding) =>
          resultOf(finding, codes.indexOf(finding.code), source),
        ),
      },
    ],
  };
}

/** GitHub's order of alerts: 7.0 and above is high. */
const SECURITY: Readonly<Record<Severity, string>> = { error: '8.0', warning: '5.0', note: '1.0' };

function ruleOf(code: Code): object {
  const { severity, title, why } = CATALOGUE[code];
  const remedy = REMEDIES[code];
  return {
    id: code,
    name: nameOf(code),
    shortDescription: { text: `${title}.` },
    fullDescription: { text: why },
    help: {
      text: `${title}. ${why} Remedy: ${remedy.replaceAll('`', '')}`,
      markdown: `**${title}.** ${why}\n\n**Remedy.** ${remedy}`,
    },
    defaultConfiguration: { level: severity },
    properties: { tags: ['security', 'audit'], 'security-severity': SECURITY[severity] },
  };
}

function nameOf(code: string): string {
  return code.replace(/(^|-)([a-z0-9])/g, (_, __, letter: string) => letter.toUpperCase());
}

function resultOf(finding: DoctorFinding, ruleIndex: number, { file }: SarifSource): object {
  const { code, severity, subject, topic, partition, place, waiver, remedy } = finding;
  const { line, column } = place;
  return {
    ruleId: code,
    ruleIndex,
    level: severity,
    kind: 'fail',
    message: { text: messageOf(finding) },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: encodeURI(file) },
          region: { startLine: line, startColumn: column },
        },
      },
    ],
    // The same finding of another day is the same alert, wherever the file has moved it.
    partialFingerprints: {
      'sealstreamFinding/v1': [code, topic ?? '', partition ?? '', subject].join('|'),
    },
    properties: { subject, topic, partition, remedy },
    ...(waiver === null
      ? {}
      : {
          suppressions: [{ kind: 'inSource', status: 'accepted', justification: waiver.reason }],
        }),
  };
}

function messageOf({ subject, found, expected, why, remedy }: DoctorFinding): string {
  const is = found ?? 'absent';
  const must = expected === null ? '' : `; expected ${expected}`;
  return `${subject}: ${is}${must}. ${why} Remedy: ${remedy}`;
}

function notifications({ outcomes }: Diagnosis): object[] {
  return outcomes.flatMap(({ check, unseen }) =>
    unseen.map(({ subject, message, remedy }) => ({
      level: 'error',
      message: { text: `${check} could not be checked: ${subject}: ${message}. ${remedy}` },
    })),
  );
}
