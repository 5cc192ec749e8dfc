import type { Guard } from '../guard.ts'

const ATTACKS = 'test/adversary/evaluator-token.test.ts'
const PROOF = 'functions/evaluation-token/prove-evaluator.ts'

/** Of the function that gives evaluators their tokens. */
export const TOKENS: Guard[] = [
  {
    name: 'an evaluator proves who it is by what it staged',
    file: PROOF,
    text: 'const found = await find(staging, key)',
    without: 'const found = (await find(staging, key)) ?? { lastModified: new Date() }',
    test: ATTACKS,
    only: ['that names another build, with a nonce of its own'],
    template: true,
  },
  {
    name: 'what an evaluator proves itself with is fresh',
    file: PROOF,
    text: 'const FRESH_MS = 5 * 60 * 1000',
    without: 'const FRESH_MS = Infinity',
    test: ATTACKS,
    only: ['that names an old nonce'],
    template: true,
  },
  {
    name: 'a nonce is good for one token',
    file: 'functions/evaluation-token/use-nonce.ts',
    text: '    if (isConditionFailed(error))\n',
    without: '    if (isConditionFailed(error)) return\n    if (error === undefined)\n',
    test: ATTACKS,
    only: ['that names a nonce twice, or ten times at once'],
    template: true,
  },
  {
    name: 'only a build in progress is given a token',
    file: 'functions/evaluation-token/job-of-build.ts',
    text: "if (found?.buildStatus !== 'IN_PROGRESS')",
    without: 'if (found === undefined)',
    test: ATTACKS,
    only: ['that has ended'],
    template: true,
  },
]
