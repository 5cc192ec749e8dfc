import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Delivery, pushWebhook } from '../../../local/github/push-webhook.ts'
import { startTestCompany, type TestCompany } from './company-on-one-machine.ts'

/** Two pushes to one branch, the second while the first is being evaluated. */

let company: TestCompany
beforeAll(async () => {
  company = await startTestCompany({ secondsPerSystem: 120, megabytes: 2048 })
})
afterAll(async () => {
  await company.close()
})

/** Commits a greeting and pushes it. */
async function push(text: string): Promise<Delivery> {
  const { world } = company
  const commits = await world.company.push({ file: 'greeting.txt', text, message: text })
  return pushWebhook(
    { repository: world.repository, ref: 'refs/heads/main', ...commits },
    world.webhookSecret,
  )
}

test('the older run ends at its next step and builds nothing, the newer one warms the shells', async () => {
  const evaluating = new Promise<void>((resolve) => {
    company.onEvent((event) => {
      if (event.kind === 'build' && event.build.projectName.endsWith('-evaluator')) resolve()
    })
  })
  const older = company.send(await push('good morning'))
  await evaluating
  const newer = company.send(await push('good evening'))
  expect(await older).toMatchObject({
    status: 'SUCCEEDED',
    summary: { verdict: 'superseded' },
    tried: [],
  })
  expect(await newer).toMatchObject({ status: 'SUCCEEDED', summary: { verdict: 'done' } })
  expect(company.world.stack.denied).toEqual([])
})
