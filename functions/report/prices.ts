import type { Config } from '../shared/parse-config.ts'

/** What AWS takes for the machines and the storage that a run uses. */
export interface Prices {
  /** USD for a minute, by CodeBuild's environment type and compute type: `LINUX_CONTAINER BUILD_GENERAL1_LARGE` */
  minutes: Record<string, number>
  /** USD for a GB (1e9 bytes) and month of S3 Standard */
  storage: number
  /** where they are from, for the reader */
  source: string
}

/**
 * AWS's list prices of us-east-1, on demand, without the free tier; other regions have others. Source: "AWS CodeBuild Pricing" and "Amazon S3 Pricing" (the first 50 TB).
 * The page itself was out of reach: small, medium and large Linux machines, the medium Arm machine and storage were found in public copies of it in November 2026; the others (2XLARGE, small
 * and large Arm) are as it is remembered from 2025, and nobody has compared them since. hearth.yml's `prices` comes before all of them.
 */
const LIST: Prices = {
  minutes: {
    'LINUX_CONTAINER BUILD_GENERAL1_SMALL': 0.005,
    'LINUX_CONTAINER BUILD_GENERAL1_MEDIUM': 0.01,
    'LINUX_CONTAINER BUILD_GENERAL1_LARGE': 0.02,
    'LINUX_CONTAINER BUILD_GENERAL1_2XLARGE': 0.2,
    'ARM_CONTAINER BUILD_GENERAL1_SMALL': 0.0034,
    'ARM_CONTAINER BUILD_GENERAL1_MEDIUM': 0.007,
    'ARM_CONTAINER BUILD_GENERAL1_LARGE': 0.015,
  },
  storage: 0.023,
  source: 'list prices of us-east-1, November 2026',
}

/** The prices that a deployment reckons with: hearth.yml's own before the list's. */
export function pricesOf(own: Config['prices']): Prices {
  if (own === undefined) return LIST
  return {
    minutes: { ...LIST.minutes, ...own.minutes },
    storage: own.storage ?? LIST.storage,
    source: `hearth.yml, otherwise ${LIST.source}`,
  }
}
