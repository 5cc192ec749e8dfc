import { drvRecompute } from './drv-recompute.ts'
import type { Figure } from './figure.ts'
import { graphEvaluate } from './graph-evaluate.ts'
import { graphRead } from './graph-read.ts'
import { publishEndToEnd } from './publish-e2e.ts'
import { publishLarge } from './publish-large.ts'
import { publishSign, publishSignFiles } from './publish-sign.ts'
import { publishVerify } from './publish-verify.ts'

/** Every figure of `npm run bench`, in the order of the report. */
export const FIGURES: Figure[] = [
  graphRead,
  graphEvaluate,
  publishSign,
  publishSignFiles,
  publishVerify,
  publishLarge,
  publishEndToEnd,
  drvRecompute,
]
