import type { Figure } from './figure.ts'
import { graphRead } from './graph-read.ts'
import { publishSign, publishSignFiles } from './publish-sign.ts'

/** Every figure of `npm run bench`, in the order of the report. */
export const FIGURES: Figure[] = [graphRead, publishSign, publishSignFiles]
