import { describe, expect, test } from 'vitest'
import { convertManifest } from '../../../scripts/hearth/github/convert-manifest.ts'
import { serve } from '../functions/http-server.ts'

const CODE = 'a180b1a3d263c81bc6441d7b990bae27d4c10679'

describe('a code that GitHub gives no App for: it may still be worth the App’s key', () => {
  test.each([
    ['used, or an hour old', 404, 'Not Found'],
    ['GitHub is away', 502, 'Bad Gateway'],
    ['GitHub repeats it', 422, `${CODE} is no code`],
  ])('%s: the message says what to do, and not the code', async (_, status, message) => {
    const api = await serve((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }))
    })
    const error: unknown = await convertManifest(api, CODE).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      name: 'NotConverted',
      message: expect.stringContaining('delete it on its page, and run it again') as string,
    })
    expect(String(error)).not.toContain(CODE)
  })

  test('an App without a key: nothing of the answer is told', async () => {
    const api = await serve((_request, response) => {
      const answer = {
        id: 1,
        slug: 'hearth',
        html_url: 'https://x',
        pem: '',
        webhook_secret: 'planted-planted-planted',
      }
      response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    })
    const error: unknown = await convertManifest(api, CODE).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'IncompleteApp' })
    expect(String(error)).not.toContain('planted')
  })
})
