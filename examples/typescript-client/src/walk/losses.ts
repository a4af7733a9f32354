/** Responses that get lost after the request was executed: repeated calls take effect once. */

import assert from "node:assert/strict";

import { change, connect, create, etag, OutcomeUnknown, remove, type Api, type Todo } from "../client.js";
import { retrying } from "../retry.js";
import { alice, aliceId, body, get, list, post, problem, put, whole, type Steps } from "./calls.js";
import { LosingProxy, type Fate } from "./proxy.js";

/** The ways to lose a response after the request was executed. */
const LOST: Fate["lose"][] = ["answer", "half of the answer", "answer to a 503"];

/** Runs with the API through a proxy. */
async function behindProxy(use: (api: Api, proxy: LosingProxy) => Promise<void>): Promise<void> {
  await LosingProxy.during((proxy, url) => use(connect(url, aliceId, retrying(fetch)), proxy));
}

/** A change that is not safe to repeat. */
const withCake = ({ description }: Todo) => ({ description: `${description}, with cake` });

/** Someone else's change to the current todo. */
const elsewhere = (id: string, update: { title?: string; description?: string }) => async () =>
  change(alice, body(await get(alice, id), 200), () => update);

export const losses: Steps = {
  async "a POST is not repeated, and the user decides after a lost response"() {
    await behindProxy(async (api, proxy) => {
      proxy.fates = [{ lose: "answer" }];
      await assert.rejects(api.POST("/api/v1/todos", { body: { title: "Lost" } }));
      assert.equal((await list(alice, { q: "Lost" })).count, 1);
      assert.deepEqual(proxy.requests, ["POST /api/v1/todos"]);
    });
  },

  async "a todo with a new id is created once, whatever gets lost"() {
    await behindProxy(async (api, proxy) => {
      for (const lose of [...LOST, "request"] satisfies Fate["lose"][]) {
        proxy.fates = [{ lose }, { lose }];
        const made = await create(api, whole(`Made although: ${lose}`));
        assert.equal(made.version, 1);
        assert.deepEqual((await list(alice, { q: `although: ${lose}` })).items.filter(({ id }) => id === made.id), [made]);
      }
      const { length } = proxy.requests;
      assert.equal((await list(alice, { q: "Made although" })).count, 4);
      assert.equal(length, 12);
    });
  },

  async "a todo that was created and then changed elsewhere is not created again"() {
    await behindProxy(async (api, proxy) => {
      const rename = async () => {
        const [made] = (await list(alice, { q: "Made here" })).items;
        assert.ok(made !== undefined);
        await change(alice, made, () => ({ title: "Renamed there" }));
      };
      proxy.fates = [{ lose: "answer", then: rename }];
      const made = await create(api, whole("Made here"));
      assert.deepEqual([made.title, made.version], ["Renamed there", 2]);
    });
  },

  async "a PUT without a condition is repeated, and the repeat changes nothing"() {
    await behindProxy(async (api, proxy) => {
      const id = crypto.randomUUID();
      for (const lose of LOST) {
        proxy.fates = [{ lose }];
        assert.equal(body(await put(api, id, whole("Put")), 200).version, 1);
      }
    });
  },

  async "a change whose response got lost takes effect once, and is not merged with itself"() {
    await behindProxy(async (api, proxy) => {
      for (const lose of [...LOST, "request"] satisfies Fate["lose"][]) {
        const seen = await post(alice, "Plan the party", "On Friday");
        const asked: Todo[] = [];
        proxy.fates = [{ lose }, { lose }];
        const changed = await change(api, seen, (current) => {
          asked.push(current);
          return withCake(current);
        });
        assert.equal(changed.description, "On Friday, with cake", lose);
        assert.equal(changed.version, 2);
        assert.deepEqual(asked, [seen]);
      }
    });
  },

  async "a change takes effect once even if others have changed the todo since"() {
    await behindProxy(async (api, proxy) => {
      const seen = await post(alice, "Plan the party", "On Friday");
      proxy.fates = [{ lose: "answer", then: elsewhere(seen.id, { title: "Plan the feast" }) }];
      const changed = await change(api, seen, withCake);
      assert.deepEqual([changed.title, changed.description, changed.version], ["Plan the feast", "On Friday, with cake", 3]);
    });
  },

  async "a change that others have overwritten is not repeated, and the user decides"() {
    await behindProxy(async (api, proxy) => {
      const seen = await post(alice, "Plan the party", "On Friday");
      const candles = "On Friday, with cake and candles";
      proxy.fates = [{ lose: "answer", then: elsewhere(seen.id, { description: candles }) }];
      await assert.rejects(change(api, seen, withCake), (error) => {
        assert.ok(error instanceof OutcomeUnknown);
        assert.equal(error.current.description, candles);
        return true;
      });
      assert.equal(body(await get(alice, seen.id), 200).description, candles);
    });
  },

  async "a change that never arrived is merged with others' changes"() {
    await behindProxy(async (api, proxy) => {
      const seen = await post(alice, "Plan the party", "On Friday");
      proxy.fates = [{ lose: "request", then: elsewhere(seen.id, { description: "On Sunday" }) }];
      const changed = await change(api, seen, withCake);
      assert.deepEqual([changed.description, changed.version], ["On Sunday, with cake", 3]);
    });
  },

  async "a delete whose response got lost takes effect, unless others have changed the todo"() {
    await behindProxy(async (api, proxy) => {
      for (const lose of LOST) {
        const seen = await post(alice, "Throw away");
        proxy.fates = [{ lose }];
        assert.equal(await remove(api, seen), null);
        problem(await get(alice, seen.id), 404, "NOT_FOUND");
      }
      const seen = await post(alice, "Throw away");
      proxy.fates = [{ lose: "request", then: elsewhere(seen.id, { title: "Keep" }) }];
      const kept = await remove(api, seen);
      assert.equal(kept?.title, "Keep");
      assert.deepEqual(body(await get(alice, seen.id), 200), kept);
    });
  },

  async "a truncated list is read again"() {
    await behindProxy(async (api, proxy) => {
      proxy.fates = [{ lose: "half of the answer" }];
      assert.deepEqual(await list(api), await list(alice));
      assert.equal(proxy.requests.length, 2);
    });
  },

  async "a condition that fails at the first attempt is a real conflict"() {
    await behindProxy(async (api) => {
      const seen = await post(alice, "Plan the party", "On Friday");
      const same = await change(alice, seen, withCake);
      assert.notEqual(etag(same), etag(seen));
      // Two users append the same text: both are kept.
      assert.equal((await change(api, seen, withCake)).description, "On Friday, with cake, with cake");
    });
  },
};
