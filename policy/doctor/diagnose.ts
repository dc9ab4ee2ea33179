import { SealstreamError } from '../../ledger/error.js';
import { CATALOGUE } from '../catalogue/catalogue.js';
import { byGravity } from '../catalogue/entry.js';
import { waiverFor } from '../file/waiver.js';
import type { Places } from '../file/yaml.js';
import { CHECKS, type Check } from './checks/table.js';
import type { Examined } from './examined.js';
import type { CheckOutcome, CheckResult, Diagnosis, DoctorFinding, Draft } from './finding.js';
import { type Premises, premisesOf, type Site, siteOf } from './prepared.js';
import { unusedWaivers } from './waivers.js';

/** Runs every check that applies to the stream, over what was looked at. */
export function diagnose(examined: Examined, places: Places): Diagnosis {
  const premises = premisesOf(examined);
  const site = siteOf(examined);
  const told: Draft[] = [];
  const outcomes: CheckOutcome[] = [];
  for (const check of CHECKS) {
    if (check.applies?.(premises) === false) continue;
    const { drafts, unseen } = resultOf(check, premises, site);
    // The same thing is often seen from two sides: the check that comes first tells it.
    const news = drafts.filter((draft) => !told.some((other) => covers(other, draft)));
    told.push(...news);
    const findings = news.map((draft) => findingOf(draft, examined, places));
    outcomes.push({ check: check.name, ran: unseen.length === 0, unseen, findings });
  }
  const unused = unusedWaivers(premises, outcomes).map((draft) =>
    findingOf(draft, examined, places),
  );
  outcomes.push({ check: 'waivers-used', ran: true, unseen: [], findings: unused });
  const findings = outcomes.flatMap((outcome) => outcome.findings);
  findings.sort(byGravity);
  return { outcomes, findings };
}

function resultOf(check: Check, premises: Premises, site: Site | SealstreamError): CheckResult {
  if (check.needs === 'host') return check.run(premises);
  if (!(site instanceof SealstreamError)) return check.run(site);
  const remedy = 'see that the stream can be reached by the user that the file names';
  const { stream } = premises.configuration;
  return { drafts: [], unseen: [{ subject: stream, message: site.message, remedy }] };
}

function covers(told: Draft, draft: Draft): boolean {
  return (
    told.code === draft.code &&
    told.subject === draft.subject &&
    (told.partition == null || told.partition === draft.partition)
  );
}

function findingOf(draft: Draft, examined: Examined, places: Places): DoctorFinding {
  const { code, subject, found, expected, remedy, path } = draft;
  const topic = draft.topic ?? null;
  const { waivers } = examined.declared.configuration;
  const waiver = draft.waiver ?? waiverFor(waivers, examined.today, { code, topic });
  const { severity, why } = CATALOGUE[code];
  return {
    code,
    severity: waiver === null ? severity : 'note',
    subject,
    topic,
    partition: draft.partition ?? null,
    found,
    expected,
    why,
    remedy,
    waiver,
    place: places.of(path),
  };
}
