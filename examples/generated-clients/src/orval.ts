/** The client that orval generates, for react-query, as a component of a frontend would use it. */

import { useQueryClient } from "@tanstack/react-query";

import type { TodoRead } from "../generated/orval/model/index.js";
import { getListTodosQueryKey, useCreateTodo, useListTodos, useUpdateTodo } from "../generated/orval/todos.js";

/** The newest todos, and functions that change them. The user is set once, by `connect` in `orval-fetch.ts`. */
export function useTodos(limit: number) {
  const cache = useQueryClient();
  const onSuccess = () => cache.invalidateQueries({ queryKey: getListTodosQueryKey() });
  const list = useListTodos({ limit });
  const create = useCreateTodo({ mutation: { onSuccess } });
  const update = useUpdateTodo({ mutation: { onSuccess } });
  const { error } = update;
  return {
    titles: list.data?.items.map(({ title }) => title) ?? [],
    problem: list.error?.detail ?? create.error?.detail,
    create: (title: string) => create.mutate({ data: { title } }),
    /** Renames a todo, if it has not changed since it was read. */
    rename: (seen: TodoRead, title: string) =>
      update.mutate({ todoId: seen.id, headers: { "If-Match": `"${seen.version}"` }, data: { title } }),
    /** If someone else has changed it: the current todo; null if it was deleted. */
    conflict: error !== null && "current" in error ? error.current : undefined,
  };
}
