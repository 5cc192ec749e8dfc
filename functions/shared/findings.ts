import * as z from 'zod/mini'
import { en } from 'zod/locales'

// zod/mini has no texts of its own: without a locale every finding reads "Invalid input", whatever is wrong.
z.config(en())

/** What is wrong with a value and where, one finding a line: `batch.wave: Invalid input: expected number, received string`. */
export function explainFindings(error: z.core.$ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}`).join('\n')
}
