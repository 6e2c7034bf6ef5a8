"""The peer for the HTTP server: FastAPI, SQLAlchemy and SQLite, as such services are usually written.

usage: fastapi_peer.py fill DB COUNT    makes COUNT integrations of user `local`
       fastapi_peer.py serve DB PORT    serves them with a process a core

The service has the one route that is compared, with the same fields in the answer and the same
check of the bearer token that the product makes in local mode: none.
"""

import json
import os
import sys
from datetime import datetime, timezone
from typing import Any, Optional

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import DateTime, Integer, String, Text, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

DATABASE = os.environ.get("PEER_DATABASE", sys.argv[2] if len(sys.argv) > 2 else "peer.db")
engine = create_engine(f"sqlite:///{DATABASE}", connect_args={"check_same_thread": False})
Sessions = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class Integration(Base):
    __tablename__ = "integrations"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    organization: Mapped[str] = mapped_column(String(200), index=True)
    user_id: Mapped[str] = mapped_column(String(200), index=True)
    vendor: Mapped[str] = mapped_column(String(50))
    name: Mapped[str] = mapped_column(String(200))
    url: Mapped[Optional[str]] = mapped_column(String(500))
    status: Mapped[str] = mapped_column(String(20), default="active")
    last_sync: Mapped[Optional[datetime]] = mapped_column(DateTime)
    description: Mapped[Optional[str]] = mapped_column(Text)
    credentials: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime)
    updated_at: Mapped[datetime] = mapped_column(DateTime)


class Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    user_id: str
    vendor: str
    name: str
    url: Optional[str]
    status: str
    last_sync: Optional[datetime]
    description: Optional[str]
    created_at: datetime
    updated_at: datetime
    credentials_summary: dict[str, Any]


app = FastAPI()


def session():
    with Sessions() as opened:
        yield opened


def answer(row: Integration) -> Answer:
    secrets = {"secret_access_key"}
    settings = json.loads(row.credentials)
    summary = {name: "••••••••" if name in secrets else value for name, value in settings.items()}
    fields = {name: getattr(row, name) for name in Answer.model_fields if name != "credentials_summary"}
    return Answer(**fields, credentials_summary=summary)


@app.get("/integrations/user/{user_id}", response_model=list[Answer])
def of_user(
    user_id: str,
    vendor: Optional[str] = None,
    limit: int = Query(100, ge=1, le=1000),
    database: Session = Depends(session),
):
    if user_id != "local":
        raise HTTPException(404, "Not found")
    wanted = select(Integration).where(Integration.organization == "local", Integration.user_id == user_id)
    if vendor:
        wanted = wanted.where(Integration.vendor == vendor)
    rows = database.scalars(wanted.order_by(Integration.id).limit(limit)).all()
    return [answer(row) for row in rows]


def fill(count: int) -> None:
    Base.metadata.create_all(engine)
    now = datetime.now(timezone.utc)
    settings = {"bucket_name": "reports", "access_key_id": "AKIAEXAMPLE", "secret_access_key": "sealed", "region": "eu-west-1"}
    with Sessions() as database:
        for number in range(count):
            database.add(
                Integration(
                    organization="local", user_id="local", vendor="s3", name=f"Bucket {number}", url=None,
                    status="active", description="Quarterly reports", credentials=json.dumps(settings),
                    created_at=now, updated_at=now,
                )
            )
        database.commit()


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        fill(int(sys.argv[3]))
    else:
        os.environ["PEER_DATABASE"] = DATABASE
        os.chdir(os.path.dirname(os.path.abspath(__file__)))
        uvicorn.run(
            "fastapi_peer:app", host="127.0.0.1", port=int(sys.argv[3]), workers=os.cpu_count(),
            log_level="warning", access_log=False,
        )
