// Starts Swagger UI with its base layout, which has no bar for choosing another OpenAPI document.
addEventListener("DOMContentLoaded", () => {
  const order = (operation) => operation.getIn(["operation", "x-order"]);
  window.ui = SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    displayOperationId: true,
    displayRequestDuration: true,
    // The OpenAPI document defines the order in which the operations can be tried.
    operationsSorter: (one, other) => order(one) - order(other),
    // Keep the user across reloads.
    persistAuthorization: true,
    tryItOutEnabled: true,
    // By default, Swagger UI sends the document to an external validator.
    validatorUrl: null,
  });
});
