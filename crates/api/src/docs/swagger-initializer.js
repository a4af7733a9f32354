// Starts Swagger UI. Its base layout has no bar in which another description could be chosen.
addEventListener("DOMContentLoaded", () => {
  const place = (operation) => operation.getIn(["operation", "x-order"]);
  window.ui = SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    displayOperationId: true,
    displayRequestDuration: true,
    // The description says in which order the operations can be tried.
    operationsSorter: (one, other) => place(one) - place(other),
    // The user who was named is still known after a reload.
    persistAuthorization: true,
    tryItOutEnabled: true,
    // The default would send the description to a site of its maker's.
    validatorUrl: null,
  });
});
