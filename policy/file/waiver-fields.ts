/** Exceptions: what a reviewed file allows to be loose, until when, and why. */
import { z } from 'zod';
import { CATALOGUE } from '../catalogue/catalogue.js';
import type { Waiver } from './waiver.js';

const CODE_EXPECTED = 'expected a code of `sealstream doctor` such as retention-time';
const DATE_EXPECTED = 'expected the last day on which it holds, YYYY-MM-DD';
const REASON_EXPECTED = 'expected a reason of 10 to 1000 characters';
const TOPIC_EXPECTED = 'expected a topic name';

/** Spaces, control characters, what is drawn as nothing, and the empty pattern of Braille. */
const INVISIBLE = /[\p{Z}\p{C}\p{Default_Ignorable_Code_Point}\u2800]+/gu;

export const waiver = z
  .strictObject({
    code: z
      .string({ error: CODE_EXPECTED })
      .regex(/^[a-z][a-z0-9-]{1,63}$/, CODE_EXPECTED)
      // A misspelt one would cover nothing, unseen.
      .refine((code) => Object.hasOwn(CATALOGUE, code), CODE_EXPECTED),
    topic: z
      .string({ error: TOPIC_EXPECTED })
      .regex(/^[A-Za-z0-9._-]{1,249}$/, TOPIC_EXPECTED)
      .optional()
      .describe('Only on this topic; left out: on all'),
    until: z
      .string({ error: DATE_EXPECTED })
      .regex(/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/, DATE_EXPECTED)
      .refine(isDay, DATE_EXPECTED)
      .describe('The last day on which it holds (UTC), YYYY-MM-DD'),
    reason: z
      .string({ error: REASON_EXPECTED })
      .max(1_000, REASON_EXPECTED)
      .refine((text) => text.replace(INVISIBLE, ' ').trim().length >= 10, REASON_EXPECTED)
      .describe('Why, and who decided it'),
  })
  .transform(
    ({ code, topic, until, reason }): Waiver => ({ code, topic: topic ?? null, until, reason }),
  );

/** The calendar has it: no 31 April. */
function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return Number.isFinite(time) && new Date(time).toISOString().slice(0, 10) === text;
}
