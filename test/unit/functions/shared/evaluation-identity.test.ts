import { describe, expect, test } from 'vitest'
import type { EvaluationJob } from '../../../../functions/shared/contract.ts'
import { evaluationIdentity, isReusable } from '../../../../functions/shared/evaluation-identity.ts'
import { drv } from '../graphs.ts'

const job: EvaluationJob = {
  kind: 'evaluate',
  run: 'push-1',
  target: { repository: 'acme/shells', ref: 'refs/heads/main', commit: '1'.repeat(40) },
  source: 'https://github.com/acme/shells.git',
  attributes: ['devShells', 'checks'],
  systems: ['x86_64-linux', 'aarch64-darwin'],
  limits: { secondsPerSystem: 1800, megabytes: 6144 },
  config: '2'.repeat(64),
}
const evaluator = { bundle: '3'.repeat(64), nixVersion: '2.34.8' }
const identity = evaluationIdentity(job, evaluator)

describe('two evaluations are one', () => {
  test.each<[string, Partial<EvaluationJob>]>([
    ['of two runs', { run: 'push-2' }],
    ['of two refs with the same commit', { target: { ...job.target, ref: 'refs/tags/v1' } }],
    ['under another configuration that asks for the same', { config: '4'.repeat(64) }],
    [
      'with attributes and systems in another order',
      { attributes: ['checks', 'devShells'], systems: ['aarch64-darwin', 'x86_64-linux'] },
    ],
    ['with an attribute that is named twice', { attributes: ['devShells', 'checks', 'devShells'] }],
    [
      'with other caches and keys',
      { publicKeys: ['k:1'], upstreams: [{ url: 'https://cache.example.org', publicKeys: [] }] },
    ],
  ])('%s', (_, changes) => expect(evaluationIdentity({ ...job, ...changes }, evaluator)).toBe(identity))
})

describe('two evaluations differ', () => {
  test.each<[string, Partial<EvaluationJob>, Partial<typeof evaluator>]>([
    ['in the commit', { target: { ...job.target, commit: '5'.repeat(40) } }, {}],
    ['in the repository', { target: { ...job.target, repository: 'acme/other' } }, {}],
    ['in where it is fetched', { source: 'https://git.example.org/acme/shells.git' }, {}],
    ['in the attributes', { attributes: ['devShells'] }, {}],
    ['in the systems', { systems: ['x86_64-linux'] }, {}],
    ['in the time they may take', { limits: { ...job.limits, secondsPerSystem: 60 } }, {}],
    ['in the memory they may take', { limits: { ...job.limits, megabytes: 1024 } }, {}],
    ['in whether inputs are kept', { flakeInputs: true }, {}],
    ['in the evaluator', {}, { bundle: '6'.repeat(64) }],
    ['in the version of Nix', {}, { nixVersion: '2.35.0' }],
  ])('%s', (_, changes, other) =>
    expect(evaluationIdentity({ ...job, ...changes }, { ...evaluator, ...other })).not.toBe(identity),
  )
})

describe('an evaluation is taken for the next one', () => {
  const shell = { attribute: 'devShells.x86_64-linux.default', system: 'x86_64-linux' }
  const whole = { ...shell, drvPath: drv('shell') }
  test.each([
    ['when every attribute evaluates', ['devShells'], { shells: [whole] }, true],
    [
      'when one imported something',
      ['devShells'],
      { shells: [{ ...whole, imported: { [drv('plan')]: ['out'] } }] },
      true,
    ],
    [
      'when one is broken, and stays so',
      ['devShells'],
      { shells: [whole, { ...shell, error: 'attribute missing' }] },
      true,
    ],
    [
      'not when what is wrong with one may pass: it ran out of memory',
      ['devShells'],
      { shells: [whole, { ...shell, error: 'out of memory', isPassing: true as const }] },
      false,
    ],
    [
      'not when one waits for an import',
      ['devShells'],
      { shells: [{ ...shell, needs: { [drv('plan')]: ['out'] } }] },
      false,
    ],
    [
      'not when a file is among them: it may fetch what changes',
      ['devShells', 'shell.nix'],
      { shells: [whole] },
      false,
    ],
    [
      'not when the source as a whole gave nothing',
      ['devShells'],
      { shells: [], error: { name: 'NothingToWarm', message: '' } },
      false,
    ],
  ])('%s', (_, attributes, evaluation, expected) =>
    expect(isReusable({ attributes }, evaluation)).toBe(expected),
  )
})
