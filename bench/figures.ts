import { drvRecompute } from './drv-recompute.ts'
import type { Figure } from './figure.ts'
import { graphEvaluate } from './graph-evaluate.ts'
import { graphRead } from './graph-read.ts'
import { planChanged } from './plan-changed.ts'
import { planCold } from './plan-cold.ts'
import { planUpstream } from './plan-upstream.ts'
import { planWarm } from './plan-warm.ts'
import { publishEndToEnd } from './publish-e2e.ts'
import { publishLarge } from './publish-large.ts'
import { publishSign, publishSignFiles } from './publish-sign.ts'
import { publishVerify } from './publish-verify.ts'
import { scheduleMakespan } from './schedule-makespan.ts'
import { uploadLarge, uploadSmall } from './upload.ts'
import { webhookDuplicates } from './webhook-duplicates.ts'
import { webhookRps } from './webhook-rps.ts'

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
  planCold,
  planWarm,
  planChanged,
  planUpstream,
  scheduleMakespan,
  uploadSmall,
  uploadLarge,
  webhookRps,
  webhookDuplicates,
]
