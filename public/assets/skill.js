import "./docs.js";
