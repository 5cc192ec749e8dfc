import { expect, test } from 'vitest'
import { findRoute } from '../../../../local/http-api/route.ts'

const routes = [
  '$default',
  'ANY /{proxy+}',
  'POST /github',
  'ANY /github',
  'GET /runs/{run}',
  'GET /a.b',
].map((key) => ({
  key,
  functionName: 'f',
  timeoutMilliseconds: 30_000,
}))

test.each([
  ['POST', '/github', 'POST /github', {}],
  ['GET', '/github', 'ANY /github', {}],
  ['GET', '/runs/17', 'GET /runs/{run}', { run: '17' }],
  ['GET', '/runs/17/logs', 'ANY /{proxy+}', { proxy: 'runs/17/logs' }],
  ['PUT', '/runs/17', 'ANY /{proxy+}', { proxy: 'runs/17' }],
  ['GET', '/axb', 'ANY /{proxy+}', { proxy: 'axb' }],
  ['GET', '/', '$default', {}],
])('%s %s goes to %s', (method, path, key, pathParameters) => {
  expect(findRoute(routes, method, path)).toMatchObject({ route: { key }, pathParameters })
})

test('nothing matches', () => {
  expect(findRoute(routes.slice(2), 'GET', '/other')).toBeUndefined()
})
