import type * as z from 'zod/mini'

/** What is wrong with a value and where, one finding a line: `batch.wave: expected number`. */
export function explainFindings(error: z.core.$ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}`).join('\n')
}
