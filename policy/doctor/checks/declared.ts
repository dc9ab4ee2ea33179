import { fieldName } from '../../file/parse.js';
import { loosenings } from '../../plan/loosening.js';
import type { CheckResult, Draft } from '../finding.js';
import type { Premises } from '../prepared.js';

/** Whether sealing as declared satisfies the verifiers that are declared. */
export function intervalCheck({ configuration }: Premises): CheckResult {
  const { seal, verify } = configuration;
  if (seal === undefined || verify === undefined) return { drafts: [], unseen: [] };
  const drafts = (['every', 'heartbeat'] as const).flatMap((field): Draft[] => {
    if (seal[field] < verify.maxAge) return [];
    return [
      {
        code: 'checkpoint-slow',
        subject: `seal.${field}`,
        found: seconds(seal[field]),
        expected: `less than verify.maxAge, ${seconds(verify.maxAge)}`,
        remedy: `verify: { maxAge: ${seconds(seal[field] + verify.maxAge)} }, or a shorter seal.${field}`,
        path: ['seal', field],
      },
    ];
  });
  return { drafts, unseen: [] };
}

function seconds(milliseconds: number): string {
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${milliseconds}ms`;
}

/** Whether every version of the event schema reads what the others wrote. */
export function schemaHistoryCheck({ host }: Premises): CheckResult {
  const drafts = host.schemaProblems.map((problem): Draft => {
    return {
      code: 'schema-incompatible',
      subject: 'schemas/AuditEvent.avsc',
      found: problem,
      expected: 'each version reads every other',
      remedy: 'take the change back, and add fields with a default instead: schemas/history',
      path: [],
    };
  });
  return { drafts, unseen: [] };
}

/** What the file itself makes loose, also where the cluster is as loose: unwaived, or by a waiver. */
export function loosenessCheck({ configuration, today }: Premises): CheckResult {
  const drafts = loosenings(configuration, today).map((loosening): Draft => {
    const { code, topic, path, found, expected, waiver } = loosening;
    const field = fieldName(path);
    return {
      code,
      topic,
      subject: topic === null ? field : `topic ${topic}`,
      found: `${field} ${found}`,
      expected,
      remedy: expected === null ? `leave ${field} out` : `${field}: ${expected}`,
      waiver,
      path,
    };
  });
  return { drafts: [...drafts, ...untracked(configuration)], unseen: [] };
}

function untracked({ configuration }: Premises['configuration']): Draft[] {
  if (configuration !== undefined) return [];
  return [
    {
      code: 'configuration-untracked',
      subject: 'configuration',
      found: null,
      expected: 'a topic',
      remedy: 'configuration: { topic: audit.configuration }, then sealstream apply',
      path: ['ledger'],
    },
  ];
}
