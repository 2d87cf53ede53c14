"""What the server answers, a module for each part of the navigation."""

from console.pages.routes import entering, home, working

__all__ = ["ROUTERS"]

ROUTERS = (entering.router, home.router, working.router)
